public import KernelSelection
public import TraceModel

/// Times of calls on their own as calls of an engine's step: each longer by what the engine's backend
/// launches beside it (`FittedKernel.engineExtra`).
///
/// A benchmark times a library's kernel alone; in a step its backend prepares each call, and other kernels
/// ran before it. With FlashAttention 3 that is 2 to 5 µs a layer, with Triton's kernels next to nothing.
public struct EngineAttentionTiming: AttentionTiming {
  private let calls: any AttentionTiming
  private let extras: [KernelVariant: EngineExtra]

  /// Where the answers come from.
  public var source: TimingSource { calls.source }
  /// Variants that it has times for.
  public var variants: [KernelVariant] { calls.variants }

  /// Calls of some kernels made longer.
  ///
  /// - `calls`: times of calls on their own
  /// - `kernels`: a profile's, whose extras hold for the same kernel of any package
  /// - `chosen`: variants that are made longer, all where `nil`; others are in an engine's time already
  public init(
    _ calls: any AttentionTiming, kernels: [FittedKernel], of chosen: [KernelVariant]? = nil
  ) {
    self.calls = calls
    var extras: [KernelVariant: EngineExtra] = [:]
    for variant in chosen ?? calls.variants {
      guard let kernel = kernels.first(where: { $0.variant == variant.of(package: "") })
      else { continue }
      extras[variant] = kernel.engineExtra
    }
    self.extras = extras
  }

  /// Time of one layer's call as part of an engine's step.
  public func attentionTime(
    of variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds {
    let call = try calls.attentionTime(of: variant, for: batch, in: context)
    guard let extra = extras[variant]?.microseconds(rows: batch.summary.paddedRows) else {
      return call
    }
    return call + Nanoseconds(Int64((extra * 1e3).rounded()))
  }
}
