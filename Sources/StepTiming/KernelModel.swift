public import KernelSelection

/// Time of one attention call as a function of the launch: its CTAs, their work, the GPU they share.
///
/// A model has a few parameters with a meaning each, which `KernelFit` finds from measured calls. Work
/// is counted in KV tokens per CTA, time in nanoseconds per token, because all CTAs of one kernel
/// stream the same bytes per token. To model another kernel, write one type in a file of its own and
/// add it to `KernelModels.all`.
public protocol KernelModel: Sendable {
  /// The family whose calls it times.
  static var family: KernelFamily { get }
  /// Names of the parameters, in order, with their units.
  static var parameterNames: [String] { get }
  /// Where a fit starts; every parameter is positive.
  static var initialParameters: [Double] { get }

  /// A model with one value for each of `parameterNames`, on a GPU that deals CTAs as `placement` says.
  init(parameters: [Double], placement: CTAPlacement)

  /// Microseconds of one call, or `nil` where this kernel cannot run such a batch.
  ///
  /// `batch` is ordered (`AttentionBatch.orderRows()`), and padded as it is launched.
  func microseconds(
    _ variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) -> Double?
}

/// The models that this build knows, one per kernel family.
public enum KernelModels {
  /// One model type for each family that can be timed by a profile.
  public static let all: [any KernelModel.Type] = [
    Triton2DModel.self, Triton3DModel.self, FlashAttention3Model.self, FlashInferModel.self,
  ]

  /// The model of a family.
  public static func model(of family: KernelFamily) -> (any KernelModel.Type)? {
    all.first { $0.family == family }
  }
}

/// Integer division that rounds up; both operands positive.
@inline(__always)
func ceilingDivide(_ dividend: Int, _ divisor: Int) -> Int { (dividend + divisor - 1) / divisor }
