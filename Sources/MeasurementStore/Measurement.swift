public import TraceModel

/// A kind of machine that measurements hold for: two of the same text share them.
public struct MeasuredMachine: Hashable, Sendable {
  /// The GPU's name as its driver says it, such as `NVIDIA H200`.
  public var gpu: String
  /// Its streaming multiprocessors.
  public var smCount: Int
  /// The kernel driver's version, such as `580.159.04`, or CUDA's where NVML is missing.
  public var driver: String

  /// A kind of machine.
  public init(gpu: String, smCount: Int, driver: String) {
    self.gpu = gpu
    self.smCount = smCount
    self.driver = driver
  }
}

/// How a batch was executed while it was timed.
public struct MeasuredState: Hashable, Sendable {
  /// Where the batch's KV was when its kernel began.
  public enum Cache: String, Hashable, Sendable, CaseIterable {
    /// In device memory, as in a real step.
    case cold
    /// In L2, as far as it fits.
    case warm
  }

  /// Where the batch's KV was.
  public var cache: Cache
  /// Whether the launch was part of a CUDA graph.
  public var inGraph: Bool

  /// A state.
  public init(cache: Cache = .cold, inGraph: Bool = true) {
    self.cache = cache
    self.inGraph = inGraph
  }
}

/// A compiled kernel on a kind of machine: what many measurements of a store have in common.
public struct MeasuredKernel: Hashable, Sendable {
  /// The machine.
  public var machine: MeasuredMachine
  /// Hash of the compiled kernel, or name and version of the package that it came with.
  public var image: String
  /// The variant's name, such as `triton-3d-16`.
  public var variant: String

  /// A kernel of a machine.
  public init(machine: MeasuredMachine, image: String, variant: String) {
    self.machine = machine
    self.image = image
    self.variant = variant
  }
}

/// What was timed: all that a time depends on.
public struct MeasurementKey: Hashable, Sendable {
  /// On what kind of machine.
  public var machine: MeasuredMachine
  /// Hash of the compiled kernel, or name and version of the package that it came with.
  public var kernelImage: String
  /// The variant's name, such as `triton-3d-16`.
  public var variant: String
  /// Which batch.
  public var batch: BatchKey
  /// How.
  public var state: MeasuredState

  /// A key.
  public init(
    machine: MeasuredMachine, kernelImage: String, variant: String, batch: BatchKey,
    state: MeasuredState
  ) {
    self.machine = machine
    self.kernelImage = kernelImage
    self.variant = variant
    self.batch = batch
    self.state = state
  }
}

/// Samples taken together, under clocks read once.
public struct SampleSet: Hashable, Sendable {
  /// Times of one launch each, or means over the launches of one graph.
  public var samples: [Nanoseconds]
  /// The SM clock seen, in MHz; `nil` where the machine does not tell.
  public var smMegahertz: Int?
  /// The memory clock seen, in MHz.
  public var memoryMegahertz: Int?
  /// NVML's bits for why the clocks were not higher.
  public var throttleReasons: UInt64?
  /// When they were taken: UTC as `2026-11-21T10:25:00Z`, given by the caller.
  public var date: String

  /// A set of samples.
  public init(
    samples: [Nanoseconds], smMegahertz: Int? = nil, memoryMegahertz: Int? = nil,
    throttleReasons: UInt64? = nil, date: String
  ) {
    self.samples = samples
    self.smMegahertz = smMegahertz
    self.memoryMegahertz = memoryMegahertz
    self.throttleReasons = throttleReasons
    self.date = date
  }
}

/// How far a measurement has come; where stores disagree, the later case wins.
public enum MeasurementStatus: Hashable, Sendable {
  /// The kernel failed on the batch; a reason such as the driver's error.
  case failed(reason: String)
  /// More samples are wanted.
  case partial
  /// The stopping rule is satisfied.
  case complete

  var rank: Int64 {
    switch self {
    case .failed: 0
    case .partial: 1
    case .complete: 2
    }
  }

  /// The name that exports use.
  public var name: String {
    switch self {
    case .failed: "failed"
    case .partial: "partial"
    case .complete: "complete"
    }
  }

  var reason: String { if case .failed(let reason) = self { reason } else { "" } }
}

/// All that a store knows of one key.
public struct Measurement: Hashable, Sendable {
  /// What was timed.
  public var key: MeasurementKey
  /// Sample sets by date, then by their samples: the same in every store that has them.
  public var sampleSets: [SampleSet]
  /// How far it has come.
  public var status: MeasurementStatus

  /// A measurement.
  public init(key: MeasurementKey, sampleSets: [SampleSet], status: MeasurementStatus) {
    self.key = key
    self.sampleSets = sampleSets
    self.status = status
  }

  /// Every sample of every set.
  public var samples: [Nanoseconds] { sampleSets.flatMap(\.samples) }
}
