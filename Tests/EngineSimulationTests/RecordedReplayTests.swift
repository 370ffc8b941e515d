import KernelSelection
import StepTiming
import TestSupport
import Testing
import TraceModel

@testable import EngineSimulation

@Suite("Recorded replay")
struct RecordedReplayTests {
  private let host = HostTiming(
    admission: Nanoseconds(300_000), scheduleDelay: Nanoseconds(90_000),
    scheduleDuration: Nanoseconds(50_000), graphLaunch: Nanoseconds(200_000),
    pieceLaunch: Nanoseconds(9_000_000), outputDelay: Nanoseconds(80_000),
    clientDelay: Nanoseconds(1_000_000))

  private func run(
    _ list: [TraceRequest], _ steps: [TraceStep], gaps: [TraceGap] = [], asynchronous: Bool = true,
    host: HostTiming? = nil, timers: [any StepTimer] = [LinearTimer()]
  ) throws -> [ReplayOutcome] {
    var sequence = StepList(steps: steps)
    var timers = timers
    return try RecordedReplay(
      requests: list, gaps: gaps, asynchronous: asynchronous, host: host ?? self.host
    ).run(&sequence, timers: &timers)
  }

  @Test(
    "Replaying the batches of a simulated run with its own step times gives the run back",
    arguments: 1...60 as ClosedRange<UInt64>)
  func roundTrip(seed: UInt64) throws {
    print("recorded round trip, seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let (list, engine, granularity) = RandomWorkloads.make(&random)
    let simulated = try replay(list, on: engine, prefixBlockTokens: granularity, host: host)
    let recorded = try run(list, simulated.steps, asynchronous: engine.asyncScheduling)[0]
    #expect(recorded.outputs == simulated.outcome.outputs)
    for (place, pair) in zip(simulated.outcome.requests, recorded.requests).enumerated() {
      #expect(pair.0.tokenRuns == pair.1.tokenRuns, "request \(place)")
      #expect(pair.0.scheduled == pair.1.scheduled, "request \(place)")
      #expect(pair.0.preemptions == pair.1.preemptions, "request \(place)")
      #expect(pair.0.prefixHitTokens == pair.1.prefixHitTokens, "request \(place)")
      #expect(pair.1.end == (pair.0.end == .tooLong ? .cutByWindow : pair.0.end))
    }
    #expect(recorded.counts.newTokens == simulated.outcome.counts.newTokens)
    #expect(recorded.counts.recomputedTokens == simulated.outcome.counts.recomputedTokens)
    #expect(recorded.counts.mixedSteps == simulated.outcome.counts.mixedSteps)
    #expect(recorded.load == nil)
  }

  @Test("Timers side by side give what each gives alone")
  func sideBySide() throws {
    let list = requests([(0, 10, 4), (5, 3, 6)])
    let steps = try replay(list, on: smallEngine(), host: host).steps
    let slow = LinearTimer(step: milliseconds(30), token: milliseconds(2))
    let both = try run(list, steps, timers: [LinearTimer(), slow])
    #expect(both[0] == (try run(list, steps, timers: [LinearTimer()])[0]))
    #expect(both[1] == (try run(list, steps, timers: [slow])[0]))
    #expect(both[0].outputs != both[1].outputs)
    #expect(both[0].requests.map(\.tokenRuns) == both[1].requests.map(\.tokenRuns))
  }

  @Test("Arrivals move along with the steps, so a request waits for as many steps as it did")
  func arrivals() throws {
    let list = requests([(0, 2, 9), (25, 2, 4)])
    let steps = try replay(list, on: smallEngine(), host: host).steps
    let own = try run(list, steps)[0]
    #expect(own.requests[1].arrival == milliseconds(25))
    for factor in [0.1, 3] {
      let other = LinearTimer(
        step: Nanoseconds(Int64(factor * 10_000_000)), token: Nanoseconds(Int64(factor * 1_000_000))
      )
      let outcome = try run(list, steps, timers: [other])[0]
      let arrival = outcome.requests[1].arrival
      #expect((arrival < milliseconds(25)) == (factor < 1))
      let scheduled = try #require(outcome.requests[1].scheduled)
      #expect(scheduled >= arrival)
      let before = own.outputs.count { $0 - host.clientDelay < milliseconds(25) }
      let moved = outcome.outputs.count { $0 - host.clientDelay < arrival }
      #expect(moved == before, "steps before the arrival")
    }
  }

  @Test("The engine rests between steps for as long as it did, however fast they are")
  func rests() throws {
    let list = requests([(0, 2, 2), (400, 2, 2)])
    let steps = try replay(list, on: smallEngine(), host: host).steps
    let own = try run(list, steps)[0]
    let fast = try run(list, steps, timers: [LinearTimer(step: milliseconds(1), token: .zero)])[0]
    func rest(_ outcome: ReplayOutcome) throws -> Nanoseconds {
      try #require(outcome.requests[1].scheduled) - outcome.outputs[1]
    }
    #expect(try rest(fast) == rest(own))
    #expect(fast.outputs[1] < own.outputs[1])
  }

  @Test("A request whose last token is not in the recording is cut by the window")
  func window() throws {
    let list = requests([(0, 2, 5), (0, 2, 2), (90, 2, 2)])
    let steps = try replay(list, on: smallEngine(), host: host).steps.prefix(3)
    let outcome = try run(list, Array(steps))[0]
    #expect(outcome.requests.map(\.end) == [.cutByWindow, .finished, .cutByWindow])
    #expect(outcome.requests[0].tokenRuns == [TokenRun(firstStep: 0, count: 3)])
    #expect(outcome.requests[2].scheduled == nil)
    #expect(outcome.outputs.count == 3)
  }

  @Test("A row past a request's last token gives nothing")
  func extraRow() throws {
    let list = requests([(0, 2, 1)])
    let rows: [(computed: Int32, length: Int32)] = [(0, 2), (2, 1)]
    let steps = rows.enumerated().map { place, row in
      TraceStep(
        number: Int64(place),
        rows: [
          StepRow(
            request: 0, computed: TokenCount(row.computed), queryLength: TokenCount(row.length))
        ])
    }
    let outcome = try run(list, steps)[0]
    #expect(outcome.requests[0].tokenRuns == [TokenRun(firstStep: 0, count: 1)])
  }

  @Test("Across a gap tokens are counted and their times left unknown")
  func gap() throws {
    let list = requests([(0, 2, 9), (0, 2, 4), (0, 2, 9)])
    let whole = try replay(list, on: smallEngine(), host: host).steps
    // Steps 3 and 4 are lost; request 1 had its last token in step 3.
    let steps = Array(whole[..<3] + whole[5...])
    let gaps = [TraceGap(afterStep: 2, droppedSteps: 2)]
    let outcome = try run(list, steps, gaps: gaps)[0]
    #expect(
      outcome.requests[0].tokenRuns == [
        TokenRun(firstStep: 0, count: 3), TokenRun(firstStep: 3, count: 4, followsGap: true),
      ])
    #expect(outcome.requests.map(\.unknownTokens) == [2, 0, 2])
    #expect(outcome.requests.map(\.end) == [.finished, .cutByWindow, .finished])
    // The gap lasts as long as it did: from step 2's output to step 5's scheduling.
    let length = try #require(whole[2].output.map { whole[5].scheduleStart - $0 })
    let before = outcome.outputs[2] - host.clientDelay
    let after = outcome.outputs[3] - host.clientDelay
    #expect(after - before >= length + milliseconds(10))
    #expect(after - before <= length + milliseconds(11))
  }

  @Test("A request first seen in the middle has its earlier tokens counted as unknown")
  func lateStart() throws {
    let list = requests([(0, 2, 6)])
    let steps = Array(try replay(list, on: smallEngine(), host: host).steps.dropFirst(2))
    let outcome = try run(list, steps)[0]
    #expect(
      outcome.requests[0].tokenRuns == [TokenRun(firstStep: 0, count: 4, followsGap: true)])
    #expect(outcome.requests[0].unknownTokens == 2)
    #expect(outcome.requests[0].prefixHitTokens == .zero)
  }

  /// A prompt of 12 tokens, 8 of them computed before the first step read, and one that comes later with
  /// 4 of 12 in the prefix cache.
  private func hits(
    hasPrefixCache: Bool = true, beginsLate: Bool = false, number: Int64 = 0, gaps: [TraceGap] = []
  ) throws -> ([Int32], Int) {
    let list = requests([(0, 12, 1), (15, 12, 1)])
    let steps = [(Int32(0), Int32(8), Int64(10)), (1, 4, 20)].enumerated().map { place, row in
      TraceStep(
        number: number + Int64(place), scheduleStart: milliseconds(row.2),
        scheduleEnd: milliseconds(row.2), output: milliseconds(row.2 + 5),
        rows: [
          StepRow(
            request: row.0, computed: TokenCount(row.1), queryLength: TokenCount(12 - row.1))
        ])
    }
    var sequence = StepList(steps: steps)
    var timers: [any StepTimer] = [LinearTimer()]
    let replay = RecordedReplay(
      requests: list, gaps: gaps, asynchronous: false, host: HostTiming(),
      hasPrefixCache: hasPrefixCache, beginsLate: beginsLate)
    let outcome = try replay.run(&sequence, timers: &timers)[0]
    return (outcome.requests.map(\.prefixHitTokens.rawValue), outcome.counts.prefixHitTokens)
  }

  @Test("What was computed before a recording or a window begins is no prefix hit")
  func lateHits() throws {
    #expect(try hits() == ([8, 4], 12), "the recording is whole")
    #expect(try hits(beginsLate: true) == ([0, 4], 4), "a window")
    #expect(try hits(number: 7) == ([0, 4], 4), "a second file of a recording")
    let lost = TraceGap(afterStep: -1, droppedSteps: 3)
    #expect(try hits(gaps: [lost]) == ([0, 4], 4), "the first steps are lost")
  }

  @Test("An engine without a prefix cache has no prefix hits")
  func noCache() throws {
    #expect(try hits(hasPrefixCache: false) == ([0, 0], 0))
    let engine = smallEngine(prefixCaching: false)
    let list = requests([(0, 12, 1)])
    let row = StepRow(request: 0, computed: TokenCount(8), queryLength: TokenCount(4))
    var sequence = StepList(steps: [TraceStep(rows: [row])])
    var timers: [any StepTimer] = [LinearTimer()]
    let replay = RecordedReplay(requests: list, engine: engine, host: HostTiming())
    #expect(try replay.run(&sequence, timers: &timers)[0].counts.prefixHitTokens == 0)
  }

  @Test("Every timer is given the batch with its rows in order already")
  func orderedRows() throws {
    let list = requests([(0, 5, 4), (0, 2, 4), (0, 3, 4)])
    let steps = try replay(list, on: smallEngine(budget: 20), host: host).steps
    let outcome = try run(list, steps, timers: [OrderTimer(), OrderTimer()])
    #expect(outcome.count == 2)
  }

  @Test("A row of a request that the trace does not list is refused with its step")
  func unknownRequest() {
    let step = TraceStep(
      number: 7,
      rows: [StepRow(request: 3, computed: .zero, queryLength: TokenCount(1))])
    var sequence = StepList(steps: [step])
    var timers: [any StepTimer] = [LinearTimer()]
    let replay = RecordedReplay(requests: [], asynchronous: true, host: host)
    do {
      let outcomes = try replay.run(&sequence, timers: &timers)
      Issue.record("the row was accepted: \(outcomes)")
    } catch {
      guard case .unknownRequest(place: 3, step: 7) = error else {
        Issue.record("\(error)")
        return
      }
    }
  }

  @Test("A step that cannot be timed is named")
  func untimed() throws {
    let list = requests([(0, 2, 2)])
    let steps = try replay(list, on: smallEngine(), host: host).steps
    var sequence = StepList(steps: steps)
    var timers: [any StepTimer] = [LinearTimer(), FailingTimer()]
    let replay = RecordedReplay(requests: list, asynchronous: true, host: host)
    do {
      let outcomes = try replay.run(&sequence, timers: &timers)
      Issue.record("the step was timed: \(outcomes)")
    } catch {
      guard case .timing(.variantWithoutTiming, step: 0) = error else {
        Issue.record("\(error)")
        return
      }
    }
  }
}

/// Expects batches in order.
private struct OrderTimer: StepTimer {
  mutating func time(of batch: inout AttentionBatch) throws(TimingError) -> StepTime {
    #expect(batch.ascendingKVLengths == batch.kvLengths.sorted())
    var linear = LinearTimer()
    return try linear.time(of: &batch)
  }
}
