public import KernelSelection
internal import MeasurementStore
public import StepTiming
internal import Synchronization
public import TraceModel

/// Answers with a profile's times, and keeps every batch that was asked about in a plan.
///
/// Decode batches are planned on the grid that measuring uses. Kernels of packages have the times of
/// the profile's kernel of the same algorithm.
public final class PlanningTiming: AttentionTiming {
  /// A profile's.
  public let source: TimingSource
  /// The profile's variants, and those of packages that policies choose from.
  public let variants: [KernelVariant]
  private let base: any AttentionTiming
  private let context: AttentionContext
  private let isExact: Bool
  private let planned: Mutex<MeasurementPlan>

  /// A timing that answers as `base` does.
  ///
  /// - `variants`: what policies choose from; all of it is planned
  public init(
    _ base: any AttentionTiming, variants chosen: [KernelVariant], context: AttentionContext,
    isExact: Bool
  ) {
    self.base = base
    self.context = context
    self.isExact = isExact
    source = base.source
    variants =
      base.variants
      + chosen.filter { !$0.package.isEmpty }.reduce(into: []) { known, variant in
        if !known.contains(variant) { known.append(variant) }
      }
    planned = Mutex(MeasurementPlan())
  }

  /// Every batch that was asked about.
  public var plan: MeasurementPlan { planned.withLock { $0 } }

  /// Time of one layer's call by the profile.
  public func attentionTime(
    of variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds {
    guard let batch = variant.family.rows(of: batch) else { return .zero }
    let time = try estimate(variant, batch, context)
    planned.withLock { plan in
      for part in DecodeAnchors(of: batch, for: variant.family, isExact: isExact).measured {
        let text = BatchKey(part, in: self.context, elementType: MeasuredTimes.element).text
        plan.add(text, for: variant)
      }
    }
    return time
  }

  /// The profile's time; where its model of a package's kernel does not run such a batch, that of the
  /// unsplit Triton kernel, since the kernel itself may well run it.
  private func estimate(
    _ variant: KernelVariant, _ batch: AttentionBatch, _ context: AttentionContext
  ) throws(TimingError) -> Nanoseconds {
    let own = variant.of(package: "")
    guard !variant.package.isEmpty, variant.family != .triton3D, base.variants.contains(.triton2D)
    else { return try base.attentionTime(of: own, for: batch, in: context) }
    // No profile has MLA kernels.
    guard base.variants.contains(own) else {
      return try base.attentionTime(of: .triton2D, for: batch, in: context)
    }
    do throws(TimingError) {
      return try base.attentionTime(of: own, for: batch, in: context)
    } catch .batchWithoutTiming {
      return try base.attentionTime(of: .triton2D, for: batch, in: context)
    }
  }
}
