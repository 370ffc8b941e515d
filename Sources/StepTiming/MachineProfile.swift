public import KernelSelection
public import TraceModel

/// What stands in for a GPU where there is none: fitted kernels, and the rest of the step per model.
public struct MachineProfile: Sendable {
  /// The GPU's name as the engine reports it, such as `NVIDIA H200`.
  public var gpu: String
  /// Which SM each CTA of a launch goes to.
  public var placement: CTAPlacement
  /// Where the numbers come from: inputs, engine version, date, command.
  public var provenance: [String]
  /// Attention kernels, in a fixed order.
  public var kernels: [FittedKernel]
  /// Models whose rest of step is known.
  public var models: [ModelProfile]

  /// A profile of given parts.
  public init(
    gpu: String, placement: CTAPlacement, provenance: [String],
    kernels: [FittedKernel], models: [ModelProfile]
  ) {
    self.gpu = gpu
    self.placement = placement
    self.provenance = provenance
    self.kernels = kernels
    self.models = models
  }

  /// Streaming multiprocessors of the GPU.
  public var smCount: Int { placement.smCount }

  /// The profile of a model by its name, or an error that lists the known ones.
  public func model(named name: String) throws(TimingError) -> ModelProfile {
    guard let model = models.first(where: { $0.shape.name == name }) else {
      throw .modelWithoutProfile(model: name, available: models.map(\.shape.name))
    }
    return model
  }

  /// The profile of a model as one GPU has it, else what the known one stands in for whose layers hold
  /// most nearly as many weights.
  ///
  /// What policies share cancels in a comparison, so a stand-in shifts times more than differences.
  public func model(for shape: ModelShape) throws(TimingError) -> ModelProfile {
    if let model = models.first(where: {
      $0.shape.name == shape.name && $0.shape.computesLike(shape)
    })
      ?? models.first(where: { $0.shape.computesLike(shape) })
    {
      return model
    }
    let ratios = models.map { model in
      let (one, other) = (model.shape.operationsPerToken, shape.operationsPerToken)
      return max(one, other) / min(one, other)
    }
    guard let place = ratios.indices.min(by: { ratios[$0] < ratios[$1] }) else {
      return try model(named: shape.name)
    }
    return models[place].standingIn(for: shape)
  }

  /// Whether kernels were measured with a model's heads, as one GPU has them.
  public func knowsHeads(of shape: ModelShape) -> Bool {
    models.contains {
      $0.shape.queryHeads == shape.queryHeads && $0.shape.kvHeads == shape.kvHeads
        && $0.shape.headSize == shape.headSize
    }
  }
}

/// What a profile knows of one model on its machine.
public struct ModelProfile: Sendable {
  /// The model's shape.
  public var shape: ModelShape
  /// Its steps beside attention.
  public var rest: RestOfStep
  /// The engine's host while it served the model.
  public var host: HostTiming
  /// The kernels of its output layer.
  public var outputLayer = OutputLayer.unknown
  /// Errors of decode steps' times, each recording predicted from a fit to the others.
  ///
  /// `nil` where there was only one.
  public var decodeStepError: FitError?
  /// The same for steps with prompt tokens.
  public var mixedStepError: FitError?
  /// Recordings that it was fitted to, by name.
  public var recordings: [String]
  /// The model that was profiled, where its times stand in for another's.
  public var standsIn: ModelShape?

  /// What is known of a model.
  public init(
    shape: ModelShape, rest: RestOfStep, host: HostTiming, decodeStepError: FitError? = nil,
    mixedStepError: FitError? = nil, recordings: [String] = []
  ) {
    self.shape = shape
    self.rest = rest
    self.host = host
    self.decodeStepError = decodeStepError
    self.mixedStepError = mixedStepError
    self.recordings = recordings
  }
}

/// Attention times from a profile's fitted kernels.
public struct ProfileAttentionTiming: AttentionTiming {
  /// Where the answers come from.
  public let source = TimingSource.profile
  /// Variants that have a fitted model.
  public let variants: [KernelVariant]
  private let models: [any KernelModel]
  private let extras: [EngineExtra]

  /// The kernels of a profile, ready to be asked.
  public init(_ kernels: [FittedKernel]) {
    var variants: [KernelVariant] = []
    var models: [any KernelModel] = []
    var extras: [EngineExtra] = []
    for kernel in kernels {
      guard let model = KernelModels.model(of: kernel.variant.family) else { continue }
      variants.append(kernel.variant)
      models.append(model.init(parameters: kernel.parameters, placement: kernel.placement))
      extras.append(kernel.engineExtra)
    }
    self.variants = variants
    self.models = models
    self.extras = extras
  }

  /// Time of one layer's call as part of an engine's step, or an error that names what is missing.
  public func attentionTime(
    of variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds {
    guard let index = variants.firstIndex(of: variant) else {
      throw .variantWithoutTiming(variant: variant.name, available: variants.map(\.name))
    }
    guard let microseconds = models[index].microseconds(variant, for: batch, in: context) else {
      throw .batchWithoutTiming(variant: variant.name, batch: batch.summary.words)
    }
    let time = microseconds + extras[index].microseconds(rows: batch.summary.paddedRows)
    guard time <= TimingLimits.stepMax.microseconds else {
      throw .batchWithoutTiming(
        variant: variant.name, batch: "\(batch.summary.words), within 18 minutes")
    }
    return Nanoseconds(microseconds: time)
  }
}
