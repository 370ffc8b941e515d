internal import KernelImages
public import KernelSelection
public import MeasurementStore
public import StepTiming
internal import Synchronization
public import TraceModel

/// How a measured timing answers.
public struct MeasuredTimingOptions: Sendable {
  /// Where KV is when a kernel begins.
  public var cache: MeasuredState.Cache
  /// Whether every length is measured, none interpolated or estimated.
  public var isExact: Bool
  /// Width of the model, for the product before a decode batch; without it there is none.
  public var hiddenSize: Int?

  /// How the GPU deals CTAs, for estimates; `nil` for in turn.
  public var placement: CTAPlacement?

  /// Options; the defaults are those of the command line.
  public init(
    cache: MeasuredState.Cache = .cold, isExact: Bool = false, hiddenSize: Int? = nil,
    placement: CTAPlacement? = nil
  ) {
    self.placement = placement
    self.cache = cache
    self.isExact = isExact
    self.hiddenSize = hiddenSize
  }
}

/// Attention times from executed kernels: a store of measurements, and a GPU where there is one.
///
/// Asked for a batch it answers with what was measured for exactly this batch. Split-KV's batches of
/// single-token rows are by default known by their sorted lengths; those of kernels whose time depends
/// on the order of rows (`KernelFamily.timeFollowsRowOrder`) are measured in the engine's order. As such a
/// batch grows by one token a step, its time follows the KV read, so by default it is measured on a grid
/// alone: shifted so that its longest row has a multiple of 64 tokens, and shifted to the next multiple.
/// Between both lies a straight line; tiles of 16 or 32 tokens make steps of at most two tiles around it.
/// `isExact` measures every batch as it is.
/// Without a measurement and without a GPU a batch is estimated from the batches that were measured
/// (`EstimatedKernel`), and counted as such; under `isExact`, or where too little was measured, it has
/// no time.
public final class MeasuredAttentionTiming: AttentionTiming {
  /// Kernels executed, here or earlier.
  public let source = TimingSource.gpu
  /// Variants that can be measured, or have been.
  public let variants: [KernelVariant]
  /// The machine that the times are of.
  public let machine: MeasuredMachine

  private let options: MeasuredTimingOptions
  private let state: Mutex<MeasuredTimes>

  /// Answers from a store, and from a GPU where a bench is given.
  ///
  /// - `path`: the store; without one, what is measured is forgotten at the end
  /// - `imported`: measurements beside those of the store, sorted as an export is
  /// - `gpu`: which GPU's measurements are wanted where there is no bench
  /// - `context`: heads and cache; batches of another one have no times
  public init(
    measurements path: String?, imported: [Measurement] = [], bench: sending AttentionBench?,
    gpu: String, context: AttentionContext,
    options: MeasuredTimingOptions = MeasuredTimingOptions()
  ) throws(GPUMeasurementError) {
    let times = try MeasuredTimes(
      path: path, imported: imported, bench: bench, gpu: gpu, context: context,
      options: options)
    variants = times.variants
    machine = times.machine
    self.options = options
    state = Mutex(times)
  }

  /// Time of one layer's call, measured now where that is possible and needed.
  public func attentionTime(
    of variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds {
    guard variants.contains(variant) else {
      throw .variantWithoutTiming(variant: variant.name, available: variants.map(\.name))
    }
    guard let batch = variant.family.rows(of: batch) else { return .zero }
    let longestQuery = batch.summary.maxQueryLength
    guard variant.family != .triton3D || longestQuery <= GPUMeasurementLimits.splitQueryLengthMax
    else {
      throw .batchWithoutTiming(variant: variant.name, batch: "\(longestQuery) tokens in a row")
    }
    let result: Result<Nanoseconds, TimingError> = state.withLock { times in
      do throws(TimingError) {
        guard batch.summary.isSingleTokenOnly, batch.summary.rows > 0 else {
          return .success(try times.answer(of: variant, batch, in: context))
        }
        return .success(
          try times.decodeTime(of: variant, batch, in: context, isExact: options.isExact))
      } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// What happened on the way: measurements taken, GPU time spent, and notes for the user.
  public var activity: MeasurementActivity { state.withLock { $0.activity } }
}
