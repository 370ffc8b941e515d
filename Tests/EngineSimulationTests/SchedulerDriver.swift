import KernelSelection
import TraceModel

@testable import EngineSimulation

/// Calls a scheduler in the order in which an engine would, without any notion of time.
struct SchedulerDriver {
  var scheduler: Scheduler

  /// Adds request i before call `calls[i]`, or earlier on an idle engine, and runs all to their end.
  ///
  /// Gives what `look` makes of each call that scheduled something.
  consuming func run<Seen>(calls: [Int], look: (Scheduler) -> Seen) -> [Seen] {
    var batch = AttentionBatch()
    var step: Int32 = 0
    var completed: Int32 = 0
    var call = 0
    var next = 0
    let depth: Int32 = scheduler.engine.asyncScheduling ? 2 : 1
    var seen: [Seen] = []
    while true {
      if scheduler.isIdle {
        guard next < calls.count else { return seen }
        call = max(call, calls[next])
      }
      while next < calls.count, calls[next] <= call {
        scheduler.enqueue(Int32(next))
        next += 1
      }
      scheduler.schedule(step: step, at: .zero, into: &batch)
      call += 1
      let isEmpty = batch.summary.rows == 0
      if !isEmpty {
        _ = scheduler.takePreempted()
        seen.append(look(scheduler))
        step += 1
      }
      if step - completed == depth || (isEmpty && step > completed) {
        scheduler.complete(step: completed)
        completed += 1
      }
    }
  }
}
