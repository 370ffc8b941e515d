internal import KernelSelection
internal import TraceModel

/// Makes a machine profile from measured kernel calls and recordings of an engine.
///
/// Kernels are fitted to the measured calls and, where recordings show attention clearly, to calls
/// inside the engine, whose KV blocks lie otherwise in memory than a benchmark's. What such a call
/// took follows from the rest of the step, and the rest from the calls, so both are found in turn;
/// the rest is common to all policies of a model, which is what tells the two apart.
public struct ProfileCalibration: Sendable {
  private let gpu: String
  private let placement: CTAPlacement
  private let measurements: [KernelMeasurement]
  private let outputLayers: [String: OutputLayer]
  private var recordings: [CalibrationRecording] = []

  /// Turns of the search; a third moves no parameter by a part in a thousand.
  private static let turns = 3

  /// A calibration from measured calls.
  ///
  /// Variants with too few measurements or without a model are left out of the profile.
  ///
  /// - `outputLayers`: what is known of them, by their models' names
  public init(
    gpu: String, placement: CTAPlacement, measurements: [KernelMeasurement],
    outputLayers: [String: OutputLayer] = [:]
  ) {
    self.gpu = gpu
    self.placement = placement
    self.measurements = measurements
    self.outputLayers = outputLayers
  }

  /// Takes a recording in whose steps have all been given.
  public mutating func add(_ recording: CalibrationRecording) { recordings.append(recording) }

  /// The profile of everything taken in, as if one machine had made all recordings.
  ///
  /// - `crossValidates`: whether its errors on what is left out are found, at many times the work;
  ///   without them, kernels state the error of their fit and models none
  public func profile(provenance: [String], crossValidates: Bool = true) -> MachineProfile {
    let fit = fit(isOneMachine: true, crossValidates: crossValidates)
    return profile(of: nil, fit, provenance, crossValidates: crossValidates)
  }

  /// One profile for each of several machines, in their order, from one fit.
  ///
  /// Rest of step and host are those of the machine, since machines with the same GPU have hosts of
  /// other paces and GPUs with other limits of power; recordings of others tell of kernels, and of what
  /// is common to engines.
  public func profiles(
    ofMachines machines: [Int], provenance: [String], crossValidates: Bool = true
  ) -> [MachineProfile] {
    let fit = fit(isOneMachine: false, crossValidates: crossValidates)
    return machines.map { profile(of: $0, fit, provenance, crossValidates: crossValidates) }
  }

  private func fit(isOneMachine: Bool, crossValidates: Bool, without left: String? = nil) -> Fit {
    Fit(
      measurements: measurements, placement: placement,
      recordings: recordings.filter { $0.name != left }, isOneMachine: isOneMachine,
      crossValidates: crossValidates)
  }

  /// - `machine`: the one whose rest of step and host it has; `nil` for all as one
  private func profile(
    of machine: Int?, _ fit: Fit, _ provenance: [String], crossValidates: Bool
  ) -> MachineProfile {
    let own = recordings.filter { machine == nil || $0.machine == machine }
    return MachineProfile(
      gpu: gpu, placement: placement, provenance: provenance, kernels: fit.kernels,
      models: Self.shapes(of: own).map {
        model(of: $0, on: machine, own, fit, crossValidates: crossValidates)
      })
  }

  /// Kernels and rests of step found in turn from some of the recordings.
  private struct Fit {
    private(set) var kernels: [FittedKernel]
    /// By machine; all recordings are of none where they count as of one.
    private var rests: [Int?: [RestFit]] = [:]
    /// Of the GPU, whichever machine it is in.
    private var limit = PowerLimit.none

    init(
      measurements: [KernelMeasurement], placement: CTAPlacement,
      recordings: [CalibrationRecording], isOneMachine: Bool, crossValidates: Bool
    ) {
      let byMachine = ProfileCalibration.byMachine(recordings, isOneMachine: isOneMachine)
      kernels = Self.kernels(measurements, placement, crossValidates: false)
      for turn in 1...turns {
        setRests(byMachine)
        let calls = recordings.flatMap {
          $0.engineCalls(rest: rest(of: $0.shape, on: isOneMachine ? nil : $0.machine))
        }
        kernels = Self.kernels(
          measurements + calls, placement, crossValidates: crossValidates && turn == turns,
          from: kernels)
      }
      setRests(byMachine)
    }

    /// The rests beside the kernels of now.
    private mutating func setRests(_ byMachine: [OfMachine]) {
      let attention = ProfileAttentionTiming(kernels)
      let steps = byMachine.map { group in
        (
          group.machine,
          shapes(of: group.recordings).map { shape in
            ModelSteps(
              shape: shape,
              steps: group.recordings.filter { $0.shape.name == shape.name }
                .flatMap { $0.observations(attention) })
          }
        )
      }
      limit = PowerLimit(steps.flatMap { $0.1.map(\.steps) })
      let shared = Self.shared(steps.map(\.1), limit)
      let fits = steps.map { ($0.0, Self.rests($0.1, limit, shared)) }
      let best = fits.flatMap { $0.1 }.filter { $0.rest.spread != .none }
        .max { $0.pieceSteps < $1.pieceSteps }
      for (machine, models) in fits {
        rests[machine] = models.map { $0.completed(by: best?.rest.spread ?? .none) }
      }
    }

    private struct ModelSteps {
      let shape: ModelShape
      let steps: [StepObservation]
    }

    /// The rest of a model's steps; nothing known where no recording shows it.
    func rest(of shape: ModelShape, on machine: Int?) -> RestOfStep {
      rests[machine]?.first { $0.shape.name == shape.name }?.rest
        ?? RestOfStep(graphs: [], pieces: [])
    }

    private static func kernels(
      _ measurements: [KernelMeasurement], _ placement: CTAPlacement, crossValidates: Bool,
      from earlier: [FittedKernel] = []
    ) -> [FittedKernel] {
      var variants: [KernelVariant] = []
      for measurement in measurements where !variants.contains(measurement.variant) {
        variants.append(measurement.variant)
      }
      return variants.compactMap { variant in
        KernelFit.fit(
          measurements.filter { $0.variant == variant }, placement: placement,
          crossValidates: crossValidates,
          from: earlier.first { $0.variant == variant })
      }
    }

    /// By model, what several machines show of it together.
    private static func shared(
      _ machines: [[ModelSteps]], _ limit: PowerLimit
    ) -> [String: SharedRest] {
      let steps = Dictionary(grouping: machines.joined(), by: \.shape.name)
      return steps.compactMapValues { machines in
        SharedRest(machines.map { StepObservation.atFullClock($0.steps, under: limit) })
      }
    }

    /// One for each model; what a model lacks comes from the one with the most steps in pieces.
    private static func rests(
      _ models: [ModelSteps], _ limit: PowerLimit, _ shared: [String: SharedRest]
    ) -> [RestFit] {
      func fit(_ model: ModelSteps, _ reference: RestFit?) -> RestFit {
        RestFit(
          shape: model.shape, observations: model.steps, shared: shared[model.shape.name],
          reference: reference, limit: limit)
      }
      let alone = models.map { fit($0, nil) }
      let reference = alone.max { $0.pieceSteps < $1.pieceSteps }
      let fits = models.map { fit($0, reference) }
      return fits.map { own in
        fits.reduce(own) { $1.shape.name == own.shape.name ? $0 : $0.grown(as: $1) }
      }
    }
  }

  /// Recordings of one machine.
  typealias OfMachine = (machine: Int?, recordings: [CalibrationRecording])

  /// Recordings by machine: of none first, then by its number, each in the order that they were given in.
  static func byMachine(
    _ recordings: [CalibrationRecording], isOneMachine: Bool = false
  ) -> [OfMachine] {
    var groups: [OfMachine] = []
    for recording in recordings {
      let machine = isOneMachine ? nil : recording.machine
      if let place = groups.firstIndex(where: { $0.machine == machine }) {
        groups[place].recordings.append(recording)
      } else {
        groups.append((machine, [recording]))
      }
    }
    return groups.sorted { a, b in
      guard let one = a.machine, let other = b.machine else { return a.machine == nil }
      return one < other
    }
  }

  private static func shapes(of recordings: [CalibrationRecording]) -> [ModelShape] {
    var shapes: [ModelShape] = []
    for recording in recordings where !shapes.contains(where: { $0.name == recording.shape.name }) {
      shapes.append(recording.shape)
    }
    return shapes
  }

  /// - `recordings`: those of the machine
  private func model(
    of shape: ModelShape, on machine: Int?, _ recordings: [CalibrationRecording], _ fit: Fit,
    crossValidates: Bool
  ) -> ModelProfile {
    let own = recordings.filter { $0.shape.name == shape.name }
    var decode: [Double] = []
    var mixed: [Double] = []
    for left in own where crossValidates && own.count > 1 {
      let others = self.fit(
        isOneMachine: machine == nil, crossValidates: false, without: left.name)
      let rest = others.rest(of: shape, on: machine)
      let host = hostTiming(of: shape, recordings, without: left.name)
      var reserve = PowerReserve(rest.limit)
      for step in left.observations(ProfileAttentionTiming(others.kernels)) {
        // The GPU of a short step waits for its launch, and that is in the recorded time.
        let launch =
          host.launch(of: step.launch, attention: step.family, hasPrompts: step.hasPrompts)
          - host.firstKernel
        let predicted = max(step.attention + rest.time(of: step, reserve: &reserve), launch)
        let error = (predicted.seconds / step.gpu.seconds - 1).magnitude
        if step.launch.isFullGraph { decode.append(error) } else { mixed.append(error) }
      }
    }
    var profile = ModelProfile(
      shape: shape, rest: fit.rest(of: shape, on: machine), host: hostTiming(of: shape, recordings),
      decodeStepError: FitError(absoluteErrors: decode),
      mixedStepError: FitError(absoluteErrors: mixed), recordings: own.map(\.name))
    profile.outputLayer = outputLayers[shape.name] ?? .unknown
    return profile
  }

  /// The host while it served a model.
  ///
  /// What its recordings do not show is as it was for the other model that shows most; what an engine
  /// prepares for prompts alone, and for Triton, is the same share on all machines.
  ///
  /// - `own`: recordings of the machine
  private func hostTiming(
    of shape: ModelShape, _ own: [CalibrationRecording], without left: String? = nil
  ) -> HostTiming {
    func merged(_ name: String) -> HostFit {
      own
        .filter { $0.shape.name == name && $0.name != left }
        .reduce(HostFit(requests: [], usesTriton: true)) { $0.pooled(with: $1.host) }
    }
    let others = recordings.filter { $0.name != left }
    let shares = LaunchShares(
      Self.byMachine(others).flatMap { group in
        Self.shapes(of: group.recordings).map { shape in
          group.recordings.filter { $0.shape.name == shape.name }
            .reduce(HostFit(requests: [], usesTriton: true)) { $0.pooled(with: $1.host) }
            .launchShares
        }
      })
    let reference = Self.shapes(of: own)
      .filter { $0.name != shape.name }.max { a, b in
        merged(a.name).pieceLaunchCount < merged(b.name).pieceLaunchCount
      }
    guard let reference else {
      return merged(shape.name).timing(
        layers: shape.layers, fallback: nil, fallbackLayers: 1, shares: shares)
    }
    let fallback = merged(reference.name).timing(
      layers: reference.layers, fallback: nil, fallbackLayers: 1, shares: shares)
    return merged(shape.name).timing(
      layers: shape.layers, fallback: fallback, fallbackLayers: reference.layers,
      shares: shares)
  }
}
