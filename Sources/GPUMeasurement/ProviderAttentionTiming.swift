public import KernelSelection
public import MeasurementStore
public import StepTiming
internal import Synchronization
public import TraceModel

/// Attention times of installed packages' kernels, from a store that a provider has filled.
///
/// A batch that was measured has that time; between measured lengths of a growing decode batch lies a
/// straight line, as in `MeasuredAttentionTiming`. Any other batch is timed by a model fitted to the
/// store, or by the machine profile's model of the same kernel where too little is there, and is kept
/// in a plan for the provider to measure. Variants without a package are left to another timing.
public final class ProviderAttentionTiming: AttentionTiming {
  /// Where the other timing's answers come from.
  public let source: TimingSource
  /// Variants of the other timing, then those of packages.
  public let variants: [KernelVariant]

  private let base: any AttentionTiming
  private let profile: ProfileAttentionTiming
  private let context: AttentionContext
  private let isExact: Bool
  private let gpu: String
  private let placement: CTAPlacement?
  private let state: Mutex<State>

  private struct State {
    var provided: ProvidedTimes?
    var fitted = ProfileAttentionTiming([])
    var plan = MeasurementPlan()
    var estimated = 0
    var asked = 0
  }

  /// A timing that knows no measurement yet.
  ///
  /// - `base`: times the variants without a package
  /// - `profile`: times batches before anything is measured
  /// - `packaged`: the variants of packages that policies choose from
  /// - `gpu`: which GPU's measurements are wanted
  /// - `placement`: how the GPU deals CTAs; `nil` for in turn
  /// - `isExact`: whether every length is measured, none interpolated
  public init(
    base: any AttentionTiming, profile: ProfileAttentionTiming, packaged: [KernelVariant],
    gpu: String, context: AttentionContext, placement: CTAPlacement? = nil, isExact: Bool = false
  ) {
    self.placement = placement
    self.base = base
    self.profile = profile
    self.context = context
    self.gpu = gpu
    self.isExact = isExact
    source = base.source
    variants =
      base.variants.filter { !packaged.contains($0) }
      + packaged.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    state = Mutex(State())
  }

  /// Reads what a provider has measured, and forgets the plan.
  public func read(_ measurements: [Measurement]) {
    let provided = ProvidedTimes(
      measurements, gpu: gpu, context: context, placement: placement)
    state.withLock { state in
      state = State(
        provided: provided,
        fitted: ProfileAttentionTiming(
          provided.fitted.values.sorted { $0.variant.name < $1.variant.name }))
    }
  }

  /// Forgets the plan and what was counted.
  public func startRound() {
    state.withLock { state in
      state.plan = MeasurementPlan()
      state.asked = 0
      state.estimated = 0
    }
  }

  /// Batches that were asked for and not measured.
  public var plan: MeasurementPlan { state.withLock { $0.plan } }
  /// Answers since the round began, and how many of them came from a model.
  public var counts: (asked: Int, estimated: Int) {
    state.withLock { ($0.asked, $0.estimated) }
  }
  /// Packages of which neither the store nor the profile has a kernel, so that nothing of theirs is known.
  public var unknownPackages: [String] {
    let known = state.withLock { state in
      profile.variants + (state.provided.map { Array($0.times.keys) } ?? [])
    }
    let packages = Set(known.map(\.package)).union([""])
    return Set(variants.map(\.package)).subtracting(packages).sorted()
  }
  /// The machine that the store's times are of.
  public var machine: String? {
    state.withLock { state in
      state.provided?.machine.map { "\($0.gpu), driver \($0.driver)" }
    }
  }

  /// Time of one layer's call.
  public func attentionTime(
    of variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds {
    guard !variant.package.isEmpty else {
      return try base.attentionTime(of: variant, for: batch, in: context)
    }
    guard variants.contains(variant) else {
      throw .variantWithoutTiming(variant: variant.name, available: variants.map(\.name))
    }
    guard let batch = variant.family.rows(of: batch) else { return .zero }
    let longestQuery = batch.summary.maxQueryLength
    guard variant.family != .triton3D || longestQuery <= GPUMeasurementLimits.splitQueryLengthMax
    else {
      throw .batchWithoutTiming(variant: variant.name, batch: "\(longestQuery) tokens in a row")
    }
    let anchors = DecodeAnchors(of: batch, for: variant.family, isExact: isExact)
    let result: Result<Nanoseconds, TimingError> = state.withLock { state in
      do throws(TimingError) {
        return .success(try time(of: variant, anchors, batch, in: &state))
      } catch { return .failure(error) }
    }
    return try result.get()
  }

  private func time(
    of variant: KernelVariant, _ anchors: DecodeAnchors, _ batch: AttentionBatch,
    in state: inout State
  ) throws(TimingError) -> Nanoseconds {
    state.asked += 1
    switch anchors {
    case .exact(let exact):
      if let known = try known(variant, exact, in: &state) { return known }
    case .between(let low, let high, let share):
      let below = try known(variant, low, in: &state)
      let above = try known(variant, high, in: &state)
      if let below, let above {
        return DecodeAnchors.time(low: below, high: above, share: share)
      }
    }
    state.estimated += 1
    return try estimate(variant, batch, state.fitted)
  }

  /// The measured time of a batch; without one the batch is planned.
  private func known(
    _ variant: KernelVariant, _ batch: AttentionBatch, in state: inout State
  ) throws(TimingError) -> Nanoseconds? {
    let text = BatchKey(batch, in: context, elementType: MeasuredTimes.element).text
    if let time = state.provided?.times[variant]?[text] { return time }
    if let reason = state.provided?.failures[variant]?[text] {
      throw .execution(
        GPUMeasurementError.failedBefore(
          variant: variant.name, batch: AttentionBench.words(for: batch), reason: reason
        ).message)
    }
    state.plan.add(text, for: variant)
    return nil
  }

  /// A time until a batch is measured: by the model fitted to the store, by the profile's model of the
  /// package's kernel, of the same kernel without a package, or, where neither runs such a batch, by the unsplit Triton kernel's.
  private func estimate(
    _ variant: KernelVariant, _ batch: AttentionBatch, _ fitted: ProfileAttentionTiming
  ) throws(TimingError) -> Nanoseconds {
    let own = variant.of(package: "")
    let sources: [(any AttentionTiming, KernelVariant)] = [
      (fitted, variant), (profile, variant), (profile, own), (profile, .triton2D),
    ]
    for (source, variant) in sources where source.variants.contains(variant) {
      do throws(TimingError) {
        return try source.attentionTime(of: variant, for: batch, in: context)
      } catch .batchWithoutTiming {
        continue
      }
    }
    return try base.attentionTime(of: own, for: batch, in: context)
  }
}
