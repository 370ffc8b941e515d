import KernelSelection
import StepTiming
import TestSupport
import Testing
import TraceModel

@testable import EngineSimulation

@Suite("A persistent batch")
struct PersistentBatchTests {
  @Test(
    "gives a replay's timer the engine's rows, rescheduled and recorded alike, and changes no batch",
    arguments: 1...40 as ClosedRange<UInt64>)
  func rows(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let (list, drawn, granularity) = RandomWorkloads.make(&random)
    var engine = drawn
    engine.rules.hasPersistentBatch = true
    var timer = RowsTimer()
    var observer = StepRecorder()
    _ = try RescheduledReplay(
      requests: list, prefixBlockTokens: granularity, engine: engine, host: HostTiming()
    ).run(&timer, observer: &observer)

    var rows = engine.batchRows
    var expected: [[Int32]] = []
    for step in observer.steps {
      var batch = AttentionBatch()
      rows.fill(&batch, with: step.rows)
      expected.append(batch.kvLengths)
    }
    #expect(timer.lengths == expected)

    var timers: [any StepTimer] = [RowsTimer()]
    var sequence = StepList(steps: observer.steps)
    _ = try RecordedReplay(
      requests: list, asynchronous: engine.asyncScheduling, host: HostTiming(),
      rows: engine.batchRows
    ).run(&sequence, timers: &timers)
    #expect((timers[0] as? RowsTimer)?.lengths == expected)

    let scheduled = try replay(list, on: drawn, prefixBlockTokens: granularity, host: HostTiming())
    #expect(scheduled.steps.map(\.rows) == observer.steps.map(\.rows))
  }
}

/// Keeps the KV lengths of every batch in the order of its rows.
private struct RowsTimer: StepTimer {
  var lengths: [[Int32]] = []
  var base = LinearTimer()

  mutating func time(of batch: inout AttentionBatch) throws(TimingError) -> StepTime {
    lengths.append(batch.kvLengths)
    return try base.time(of: &batch)
  }
}
