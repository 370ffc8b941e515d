import StepTiming
import Testing
import TraceModel

@testable import EngineSimulation

@Suite("Replay interface")
struct ReplayInterfaceTests {
  @Test("Progress is reported every few thousand steps and at the end")
  func progress() throws {
    let outputs = Int32(2 * ReplayProgress.interval + 7)
    let list = requests([(0, 1, outputs), (0, 900, 900)])
    let engine = smallEngine(budget: 900, blocks: 4000, maxModelLength: 10_000)
    let replay = RescheduledReplay(
      requests: list, prefixBlockTokens: nil, engine: engine, host: HostTiming())
    var timer = LinearTimer()
    var reports: [ReplayProgress] = []
    let outcome = try replay.run(&timer) { reports.append($0) }
    #expect(outcome.outputs.count == Int(outputs))
    #expect(reports.map(\.steps) == [4096, 8192, Int(outputs)])
    #expect(reports.map(\.endedRequests) == [1, 1, 2])
    #expect(reports.allSatisfy { $0.requests == 2 })
  }

  @Test("A request without prompt or output is served as one of a single token")
  func emptyRequests() throws {
    let (outcome, steps) = try replay(requests([(0, 0, 0), (0, 3, 0)]), on: smallEngine())
    #expect(text(steps) == "0:0+1 1:0+3")
    #expect(outcome.requests.map(\.end) == [.finished, .finished])
  }

  @Test("An engine out of bounds is told by the number that is")
  func limits() {
    #expect(smallEngine().outOfBounds == nil)
    var engine = smallEngine()
    engine.kvBlocks = 0
    #expect(engine.outOfBounds?.property == "kvBlocks")
    engine = smallEngine(threshold: -1)
    #expect(engine.outOfBounds?.property == "longPrefillTokenThreshold")
    #expect(engine.outOfBounds?.value == -1)
  }

  @Test("A prefix granularity out of bounds means that prefixes are unknown")
  func granularity() {
    let list = requests([(0, 9, 1, [1, 2])])
    for tokens in [nil, 0, -5, Int.max] {
      let identities = PrefixIdentities(requests: list, prefixBlockTokens: tokens, kvBlockSize: 4)
      #expect(identities == nil)
    }
  }
}
