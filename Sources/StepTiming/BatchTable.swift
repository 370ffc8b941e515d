public import KernelSelection
public import TraceModel

/// One line a batch: what rules see of it, and its attention under each of some variants.
///
/// A day of traffic stays in memory, so that any number of rules can be judged on it.
public struct BatchTable: Sendable {
  /// Variants, in the order of the times of a line.
  public let variants: [KernelVariant]
  /// What the batches were launched on.
  public let context: AttentionContext
  /// What rules see of each batch, in the order of steps.
  public private(set) var summaries: [BatchSummary] = []
  /// Nanoseconds over all layers, one line of `variants.count` a batch; `cannotRun` where a variant
  /// cannot execute it.
  public private(set) var times: [Int64] = []

  /// Stands for the time of a variant that cannot run a batch.
  public static let cannotRun = Int64.max

  /// An empty table.
  public init(variants: [KernelVariant], context: AttentionContext) {
    self.variants = variants
    self.context = context
  }

  /// Batches in it.
  public var count: Int { summaries.count }

  /// Adds a batch with one time for each of `variants`, `nil` where one cannot run it.
  public mutating func append(_ summary: BatchSummary, times: [Nanoseconds?]) {
    precondition(times.count == variants.count, "a batch has a time for each variant")
    summaries.append(summary)
    for time in times { self.times.append(time?.rawValue ?? Self.cannotRun) }
  }

  /// The time of a batch under a variant, by their places; `nil` where that cannot run it.
  public func time(batch: Int, variant: Int) -> Nanoseconds? {
    let time = times[batch * variants.count + variant]
    return time == Self.cannotRun ? nil : Nanoseconds(time)
  }

  /// The place of the fastest of some variants for a batch, the first of equals; `nil` where none can
  /// run it.
  public func fastest(batch: Int, among places: some Sequence<Int>) -> Int? {
    var best: Int?
    var bestTime = Self.cannotRun
    for place in places where times[batch * variants.count + place] < bestTime {
      best = place
      bestTime = times[batch * variants.count + place]
    }
    return best
  }

  /// The batches at some places.
  public func selecting(_ places: Range<Int>) -> BatchTable {
    var table = BatchTable(variants: variants, context: context)
    table.summaries = Array(summaries[places])
    table.times = Array(
      times[places.lowerBound * variants.count..<places.upperBound * variants.count])
    return table
  }
}

/// Passes on the answers of a policy's timer, and keeps every batch with the times of all candidates.
public struct TabulatingTimer: StepTimer, Sendable {
  /// The timer that is asked.
  public private(set) var base: PolicyStepTimer
  /// Every batch so far; its variants are the timer's candidates.
  public private(set) var table: BatchTable

  /// A recorder around a timer.
  public init(_ base: PolicyStepTimer) {
    self.base = base
    table = BatchTable(variants: base.candidates, context: base.context)
  }

  /// The other timer's answer.
  public mutating func time(of batch: inout AttentionBatch) throws(TimingError) -> StepTime {
    let time = try base.time(of: &batch)
    table.append(batch.summary, times: base.candidateTimes)
    return time
  }

  /// The other timer's engine has rested.
  public mutating func pause(for time: Nanoseconds) { base.pause(for: time) }
}
