public import KernelSelection
public import TraceModel

/// Where the times of a replay come from, as results name it.
public enum TimingSource: String, Hashable, Sendable {
  /// Kernels executed and measured on a GPU.
  case gpu
  /// A machine profile fitted to measurements.
  case profile
}

/// Answers how long one layer's attention takes for a batch under a variant, on one machine.
public protocol AttentionTiming: Sendable {
  /// Where the answers come from.
  var source: TimingSource { get }
  /// Variants that it has times for, in a fixed order.
  var variants: [KernelVariant] { get }

  /// Time of one layer's attention call, or a `TimingError` that names what is missing.
  func attentionTime(
    of variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds
}

/// Why a step cannot be timed.
public enum TimingError: Error, Hashable, Sendable {
  /// The variant has neither measurement nor profile.
  case variantWithoutTiming(variant: String, available: [String])
  /// The variant has no time for batches of this kind (such as prefill under a decode-only kernel).
  case batchWithoutTiming(variant: String, batch: String)
  /// A kernel could not be executed; one line says which, on what, why and what to do.
  case execution(String)
  /// The profile knows nothing of this model.
  case modelWithoutProfile(model: String, available: [String])
}
