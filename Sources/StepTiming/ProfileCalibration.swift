public import KernelSelection
public import TraceModel

/// Makes a machine profile from measured kernel calls and recordings of an engine.
public struct ProfileCalibration: Sendable {
  private let gpu: String
  private let smCount: Int
  private let kernels: [FittedKernel]
  private var recordings: [CalibrationRecording] = []

  /// Fits the kernels; variants with too few measurements or without a model are left out.
  public init(gpu: String, smCount: Int, measurements: [KernelMeasurement]) {
    self.gpu = gpu
    self.smCount = smCount
    var variants: [KernelVariant] = []
    for measurement in measurements where !variants.contains(measurement.variant) {
      variants.append(measurement.variant)
    }
    kernels = variants.compactMap { variant in
      KernelFit.fit(measurements.filter { $0.variant == variant })
    }
  }

  /// The fitted kernels' times.
  public var attention: ProfileAttentionTiming { ProfileAttentionTiming(kernels) }

  /// Starts taking a recording in; give it the recording's steps, then `add` it.
  public func recording(
    name: String, shape: ModelShape, context: AttentionContext, policy: any SelectionPolicy,
    requests: [TraceRequest]
  ) throws(TimingError) -> CalibrationRecording {
    CalibrationRecording(
      name: name, shape: shape,
      rest: try RecordedRest(
        policy: policy, attention: attention, context: context, layers: shape.layers,
        keepsSteps: true),
      host: HostFit(requests: requests))
  }

  /// Takes a recording in whose steps have all been given.
  public mutating func add(_ recording: CalibrationRecording) { recordings.append(recording) }

  /// The profile of everything taken in.
  public func profile(provenance: [String]) -> MachineProfile {
    var shapes: [ModelShape] = []
    for recording in recordings where !shapes.contains(where: { $0.name == recording.shape.name }) {
      shapes.append(recording.shape)
    }
    let reference = reference(among: shapes)
    return MachineProfile(
      gpu: gpu, smCount: smCount, provenance: provenance, kernels: kernels,
      models: shapes.map { profile(of: $0, reference: reference) })
  }

  /// The model with the most steps in pieces, from which others borrow what they lack.
  private func reference(among shapes: [ModelShape]) -> RestFit? {
    let fits = shapes.map { shape in
      RestFit(shape: shape, observations: observations(of: shape, without: nil), reference: nil)
    }
    return fits.max { $0.pieceSteps < $1.pieceSteps }
  }

  private func observations(of shape: ModelShape, without name: String?) -> [StepObservation] {
    recordings.filter { $0.shape.name == shape.name && $0.name != name }
      .flatMap(\.rest.observations)
  }

  private func profile(of shape: ModelShape, reference: RestFit?) -> ModelProfile {
    let own = recordings.filter { $0.shape.name == shape.name }
    let fit = RestFit(
      shape: shape, observations: observations(of: shape, without: nil), reference: reference)
    var decode: [Double] = []
    var mixed: [Double] = []
    for left in own where own.count > 1 {
      let others = RestFit(
        shape: shape, observations: observations(of: shape, without: left.name),
        reference: reference)
      for step in left.rest.observations where step.gpu > .zero {
        let predicted = step.attention + others.rest.time(of: step.launch)
        let error = (predicted.seconds / step.gpu.seconds - 1).magnitude
        if step.launch.isFullGraph { decode.append(error) } else { mixed.append(error) }
      }
    }
    return ModelProfile(
      shape: shape, rest: fit.rest, host: hostTiming(of: shape, reference: reference?.shape),
      decodeStepError: FitError(absoluteErrors: decode),
      mixedStepError: FitError(absoluteErrors: mixed), recordings: own.map(\.name))
  }

  private func hostTiming(of shape: ModelShape, reference: ModelShape?) -> HostTiming {
    func merged(_ name: String) -> HostFit {
      recordings.filter { $0.shape.name == name }
        .reduce(HostFit(requests: [])) { $0.pooled(with: $1.host) }
    }
    guard let reference, reference.name != shape.name else {
      return merged(shape.name).timing(layers: shape.layers, fallback: nil, fallbackLayers: 1)
    }
    let fallback = merged(reference.name)
      .timing(layers: reference.layers, fallback: nil, fallbackLayers: 1)
    return merged(shape.name)
      .timing(layers: shape.layers, fallback: fallback, fallbackLayers: reference.layers)
  }
}

/// One recording on its way into a calibration.
public struct CalibrationRecording: Sendable {
  /// The recording's name.
  public let name: String
  let shape: ModelShape
  var rest: RecordedRest
  var host: HostFit

  /// Takes the next step in.
  public mutating func add(_ step: TraceStep) throws(TimingError) {
    try rest.add(step)
    host.add(step)
  }
}
