import KernelSelection
import StepTiming
import Testing
import TraceModel

@testable import EngineSimulation

@Suite("Engine timeline")
struct EngineTimelineTests {
  /// Microseconds that are easy to tell apart in a sum.
  private let host = HostTiming(
    admission: Nanoseconds(7), scheduleDelay: Nanoseconds(10), scheduleDuration: Nanoseconds(20),
    firstKernel: Nanoseconds(3), graphLaunch: Nanoseconds(5), pieceLaunch: Nanoseconds(400),
    outputDelay: Nanoseconds(1), clientDelay: Nanoseconds(2))

  private func time(_ gpu: Int64, graph: Bool) -> StepTime {
    StepTime(
      attention: .zero, rest: Nanoseconds(gpu), regret: .zero, variant: .triton2D,
      launch: graph ? .fullGraph(paddedTokens: 1) : .piecewise(paddedTokens: 9))
  }

  @Test("Without overlap a step starts after the output before it")
  func synchronous() {
    var timeline = EngineTimeline(asynchronous: false, host: host)
    timeline.begin(at: Nanoseconds(1000), time: time(100, graph: true))
    #expect(timeline.isFull)
    #expect(timeline.complete() == Nanoseconds(1000 + 20 + 3 + 100 + 1))
    #expect(timeline.nextSchedule == Nanoseconds(1134))
    timeline.begin(at: Nanoseconds(1134), time: time(100, graph: false))
    #expect(timeline.complete() == Nanoseconds(1134 + 20 + 400 + 1), "the launch takes longer")
  }

  @Test("With two steps in flight the GPU goes from one to the next without a pause")
  func overlapped() {
    var timeline = EngineTimeline(asynchronous: true, host: host)
    timeline.begin(at: Nanoseconds(1000), time: time(100, graph: true))
    #expect(!timeline.isFull)
    #expect(timeline.nextSchedule == Nanoseconds(1025 + 10), "right after the launch")
    timeline.begin(at: timeline.nextSchedule, time: time(200, graph: true))
    #expect(timeline.complete() == Nanoseconds(1123 + 1))
    #expect(timeline.nextSchedule == Nanoseconds(1134))
    timeline.begin(at: timeline.nextSchedule, time: time(100, graph: true))
    #expect(timeline.complete() == Nanoseconds(1123 + 200 + 1))
    #expect(timeline.complete() == Nanoseconds(1123 + 300 + 1))
  }

  @Test("A long launch delays the output of the step before it, and not its own")
  func lateOutput() {
    var timeline = EngineTimeline(asynchronous: true, host: host)
    timeline.begin(at: Nanoseconds(1000), time: time(100, graph: true))
    timeline.begin(at: Nanoseconds(1035), time: time(1000, graph: false))
    #expect(timeline.complete() == Nanoseconds(1035 + 20 + 400 + 1))
    #expect(timeline.complete() == Nanoseconds(1123 + 1000 + 1))
  }

  @Test("Loading an output layer's kernel waits for the step's end, once for 8 rows")
  func outputLayer() {
    func outputs(rows: [Int]) -> [Int64] {
      var host = host
      host.loadedKernels = LoadedKernels(
        .unknown, graphs: CUDAGraphs(mode: .full, captureSizes: [64]), maxSequences: 256,
        maxBatchedTokens: 8192)
      var timeline = EngineTimeline(asynchronous: true, host: host)
      var seen: [Int64] = []
      for rows in rows {
        var step = time(10_000, graph: false)
        step.rows = rows
        timeline.begin(at: max(.zero, timeline.nextSchedule), time: step)
        if timeline.isFull { seen.append(timeline.complete().rawValue) }
      }
      return seen
    }
    #expect(outputs(rows: [0, 0, 0]) == [10_024, 20_024], "a graph holds as many rows")
    // The second step's launch waits for its end at 20,023. The GPU then rests until the third's.
    #expect(outputs(rows: [0, 65, 72]) == [20_024, 20_455], "the third is launched at 20,454")
    #expect(outputs(rows: [0, 65, 73]) == [20_024, 30_058], "the third ends at 30,057")
  }

  @Test("Launches in pieces differ, in another order for an engine that has launched before")
  func launchSpread() {
    var uneven = host
    uneven.pieceLaunchSpread = DelaySpread(offsets: [Nanoseconds(-300), .zero, Nanoseconds(500)])
    func outputs(before: Int) -> [Int64] {
      var timeline = EngineTimeline(
        asynchronous: false, host: uneven, pieceLaunches: before)
      return (0..<8).map { _ in
        let start = timeline.nextSchedule
        timeline.begin(at: start, time: time(50, graph: false))
        return (timeline.complete() - start).rawValue
      }
    }
    let first = outputs(before: 0)
    let later = outputs(before: 3)
    #expect(first[0] == 421)
    #expect(Set(first).isSubset(of: Set<Int64>([121, 421, 921])))
    #expect(Set(first).count > 1)
    #expect(Array(first[3...]) == Array(later[..<5]))
    #expect(first != later)
  }

  @Test("A size is new to the engine once, and sizes within 8 tokens are one")
  func newSizes() {
    var uneven = host
    uneven.newSizeSpread = DelaySpread(offsets: [Nanoseconds(1000)])
    var timeline = EngineTimeline(asynchronous: false, host: uneven)
    let launches = [17, 24, 25, 17, 33].map { tokens in
      let start = timeline.nextSchedule
      timeline.begin(
        at: start,
        time: StepTime(
          attention: Nanoseconds(50), rest: .zero, regret: .zero, variant: .triton2D,
          launch: .eager(tokens: tokens), hasPrompts: true))
      return (timeline.complete() - start).rawValue
    }
    #expect(launches == [1421, 421, 1421, 421, 1421])
  }

  @Test("After 64 sizes everything is loaded")
  func loaded() {
    var sizes = LaunchedSizes()
    let news = (1...100).map { sizes.isNew(tokens: 8 * $0) }
    #expect(news == (1...100).map { $0 <= 64 })
  }

  @Test("A request is admitted when the engine rests, and waits for it when it works")
  func admission() throws {
    let arrivals = requests([(5, 2, 1), (100, 2, 2)])
    let (outcome, steps) = try replay(arrivals, on: smallEngine(), host: host)
    #expect(steps[0].scheduleStart == milliseconds(5) + Nanoseconds(7))
    #expect(steps[1].scheduleStart == milliseconds(100) + Nanoseconds(7))
    #expect(steps[0].scheduleEnd == steps[0].scheduleStart + Nanoseconds(20))
    #expect(
      outcome.outputs[0] == steps[0].scheduleEnd + Nanoseconds(3 + 1 + 2) + milliseconds(11))
  }

  @Test("Callers count from sending, which is after arrival; a resting engine wakes up first")
  func sending() throws {
    var slow = host
    slow.sendDelay = Nanoseconds(500)
    slow.wakeUp = Nanoseconds(70)
    slow.clientSpread = DelaySpread(offsets: [Nanoseconds(-1), Nanoseconds(1)])
    let arrivals = requests([(5, 2, 4), (6, 2, 1)])
    let (outcome, steps) = try replay(arrivals, on: smallEngine(), host: slow)
    #expect(steps[0].scheduleStart == milliseconds(5) + Nanoseconds(500 + 7 + 70))
    #expect(outcome.requests[0].arrival == milliseconds(5) + Nanoseconds(500))
    #expect(outcome.requests[1].arrival == milliseconds(6) + Nanoseconds(500))
    #expect(
      outcome.outputs[0] == steps[0].scheduleEnd + Nanoseconds(3 + 1 + 2 + 1) + milliseconds(11),
      "step 0 takes the upper of two offsets")
  }

  @Test("An engine that wakes takes in what was sent a little after, and none that it cannot know")
  func gathering() throws {
    var slow = host
    slow.admission = milliseconds(3)
    let arrivals = requests([(5, 2, 1), (6, 2, 1), (7, 2, 1), (9, 2, 1)])
    func first(_ gathering: Nanoseconds) throws -> Int {
      slow.gathering = gathering
      return try replay(arrivals, on: smallEngine(), host: slow).steps[0].rows.count
    }
    #expect(try first(.zero) == 1)
    #expect(try first(milliseconds(1)) == 2)
    #expect(try first(milliseconds(2)) == 3)
    #expect(try first(milliseconds(60)) == 3, "the fourth is sent when the step is formed already")
  }

  @Test("Timers hear of rests")
  func rests() throws {
    let replay = RescheduledReplay(
      requests: requests([(5, 2, 1), (100, 2, 1)]), prefixBlockTokens: nil, engine: smallEngine(),
      host: host)
    var timer = RestCountingTimer()
    let outcome = try replay.run(&timer)
    #expect(timer.rests.count == 2)
    let idle = milliseconds(100) + Nanoseconds(7 - 10) - (outcome.outputs[0] - Nanoseconds(2))
    #expect(timer.rests.last == idle)
  }
}

/// Keeps how long the engine rested.
private struct RestCountingTimer: StepTimer {
  var base = LinearTimer()
  var rests: [Nanoseconds] = []

  mutating func time(of batch: inout AttentionBatch) throws(TimingError) -> StepTime {
    try base.time(of: &batch)
  }

  mutating func pause(for time: Nanoseconds) { rests.append(time) }
}
