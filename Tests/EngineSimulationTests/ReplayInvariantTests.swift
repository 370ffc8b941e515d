import StepTiming
import TestSupport
import Testing
import TraceModel

@testable import EngineSimulation

@Suite("Replay invariants")
struct ReplayInvariantTests {
  @Test(
    "All small workloads hold to the invariants, synchronous and not, with tight memory and not")
  func exhaustive() throws {
    let sizes: [(prompt: Int32, outputs: Int32)] = [(1, 1), (3, 2), (4, 1), (5, 6), (9, 3)]
    let gaps: [Int64] = [0, 13]
    for first in sizes {
      for second in sizes {
        for third in sizes {
          for gap in gaps {
            let list = requests([
              (0, first.prompt, first.outputs), (gap, second.prompt, second.outputs),
              (2 * gap, third.prompt, third.outputs),
            ])
            for engine in engines { try check(list, engine, prefixBlockTokens: nil) }
          }
        }
      }
    }
  }

  /// Engines that differ in what they run out of first.
  private var engines: [EngineModel] {
    [true, false].flatMap { asynchronous in
      [
        smallEngine(asynchronous: asynchronous),
        smallEngine(budget: 3, sequences: 2, asynchronous: asynchronous),
        smallEngine(blocks: 4, asynchronous: asynchronous),
        smallEngine(blocks: 4, prefixCaching: true, asynchronous: asynchronous, reserves: false),
        smallEngine(budget: 5, blocks: 3, asynchronous: asynchronous, threshold: 2),
      ]
    }
  }

  @Test("Random workloads hold to the invariants", arguments: 1...120 as ClosedRange<UInt64>)
  func random(seed: UInt64) throws {
    print("replay invariants, seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let (list, engine, granularity) = RandomWorkloads.make(&random)
    try check(list, engine, prefixBlockTokens: granularity)
  }

  @Test("The same input gives the same outcome, and observing changes nothing")
  func repeatable() throws {
    var random = SeededGenerator(seed: 99)
    let (list, engine, granularity) = RandomWorkloads.make(&random)
    let outcomes = try (0..<2).map { _ in
      try replay(list, on: engine, prefixBlockTokens: granularity).outcome
    }
    #expect(outcomes[0] == outcomes[1])
    var timer = LinearTimer()
    let unseen = try RescheduledReplay(
      requests: list, prefixBlockTokens: granularity, engine: engine, host: HostTiming()
    ).run(&timer)
    #expect(unseen == outcomes[0])
  }

  @Test("The order of requests in the trace does not matter, but for those of one arrival")
  func arrivalOrder() throws {
    let list = requests([(30, 5, 3), (0, 9, 2), (10, 4, 4)])
    let sorted = [list[1], list[2], list[0]]
    let shuffled = try replay(list, on: smallEngine()).outcome
    let ordered = try replay(sorted, on: smallEngine()).outcome
    #expect(shuffled.outputs == ordered.outputs)
    #expect(
      [1, 2, 0].map { shuffled.requests[$0].tokenRuns } == ordered.requests.map(\.tokenRuns))
  }

  @Test("Requests of one arrival follow each other as a recording first scheduled them")
  func precedence() throws {
    let list = requests([(0, 8, 2), (0, 8, 2), (0, 8, 2)])
    let replay = RescheduledReplay(
      requests: list, prefixBlockTokens: nil, precedence: [2, 0, 1], engine: smallEngine(),
      host: HostTiming())
    var timer = LinearTimer()
    let outcome = try replay.run(&timer)
    let first = outcome.requests.compactMap { $0.tokenRuns.first?.firstStep }
    #expect(first.count == 3 && first[1] < first[2] && first[2] < first[0], "\(first)")
  }

  @Test("The pool's books agree after every step", arguments: 1...20 as ClosedRange<UInt64>)
  func poolBooks(seed: UInt64) throws {
    print("pool books, seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let (list, engine, granularity) = RandomWorkloads.make(&random)
    let served = list.filter { engine.canServe($0) }
    var scheduler = Scheduler(
      engine: engine,
      requests: served.map {
        SchedulerRequest(
          promptTokens: $0.promptTokens.rawValue, outputTokens: $0.outputTokens.rawValue)
      },
      prefixes: PrefixIdentities(
        requests: served, prefixBlockTokens: granularity, kvBlockSize: engine.kvBlockSize),
      ledger: RequestLedger(requests: served))
    scheduler.keepsRows = true
    let books = SchedulerDriver(scheduler: scheduler).run(
      calls: served.map { Int($0.arrival.milliseconds / 20) }
    ) { scheduler in
      scheduler.pool.isConsistent && scheduler.holdsWhatItComputed
    }
    #expect(books.allSatisfy { $0 })
    #expect(books.count >= served.count)
  }

  @Test("A timer's refusal ends the replay")
  func refusal() {
    var timer = FailingTimer()
    let replay = RescheduledReplay(
      requests: requests([(0, 1, 1)]), prefixBlockTokens: nil, engine: smallEngine(),
      host: HostTiming())
    #expect(throws: TimingError.variantWithoutTiming(variant: "none", available: [])) {
      try replay.run(&timer)
    }
  }

  @Test("A trace without requests has an empty outcome")
  func empty() throws {
    let (outcome, steps) = try replay([], on: smallEngine())
    #expect(outcome == ReplayOutcome())
    #expect(steps.isEmpty)
  }

  private func check(
    _ list: [TraceRequest], _ engine: EngineModel, prefixBlockTokens: Int?
  ) throws {
    let host = HostTiming(
      admission: Nanoseconds(300_000), scheduleDelay: Nanoseconds(90_000),
      scheduleDuration: Nanoseconds(50_000), firstKernel: Nanoseconds(100_000),
      graphLaunch: Nanoseconds(200_000), pieceLaunch: Nanoseconds(19_000_000),
      outputDelay: Nanoseconds(80_000), clientDelay: Nanoseconds(1_000_000))
    let (outcome, steps) = try replay(
      list, on: engine, prefixBlockTokens: prefixBlockTokens, host: host)
    let violations = ReplayInvariants(
      requests: list, engine: engine, outcome: outcome, steps: steps
    ).violations
    #expect(
      violations.isEmpty,
      "\(violations) for \(list.map { ($0.arrival, $0.promptTokens, $0.outputTokens) }) on \(engine)"
    )
  }
}

extension Scheduler {
  /// Whether every running request has just the blocks that its computed tokens need.
  fileprivate var holdsWhatItComputed: Bool {
    running.allSatisfy {
      ($0.computed...$0.computed + Int32(engine.kvBlockSize) - 1).contains($0.capacity)
    }
  }
}
