public import KernelSelection
public import StepTiming
public import TraceModel

/// What a step works on.
public enum StepKind: String, Hashable, Sendable, CaseIterable {
  /// One token of each request.
  case decode
  /// Single tokens beside pieces of prompts.
  case mixed
  /// Prompts alone.
  case prefill

  /// The kind of a batch.
  public init(_ batch: BatchSummary) {
    if batch.isSingleTokenOnly {
      self = .decode
    } else {
      self = batch.multiTokenRows == batch.rows ? .prefill : .mixed
    }
  }
}

/// A step of a real run beside what the model says of the same batch.
public struct ComparedStep: Hashable, Sendable {
  /// What it works on.
  public var kind: StepKind
  /// The model's time.
  public var model: StepTime
  /// The least that launching it keeps the GPU at it, from the first kernel on; zero where that is unknown.
  public var launch: Nanoseconds
  /// GPU time in the real run, where it was recorded.
  public var recorded: Nanoseconds?
  /// When its tokens reached the scheduler of the real run, where that was recorded.
  public var output: Nanoseconds?

  /// The model's counterpart of `recorded`, which has what the GPU waited for within the step.
  var modelled: Nanoseconds { max(model.gpu, launch) }

  /// A compared step.
  public init(
    kind: StepKind, model: StepTime, launch: Nanoseconds = .zero, recorded: Nanoseconds?,
    output: Nanoseconds?
  ) {
    self.kind = kind
    self.model = model
    self.launch = launch
    self.recorded = recorded
    self.output = output
  }
}

/// How far the model's step times are from a real run's, over steps of one kind.
public struct StepErrors: Hashable, Sendable {
  /// Steps with a recorded GPU time.
  public var steps: Int
  /// The mean of the absolute relative errors.
  public var meanAbsolute: Double
  /// Their 90th percentile.
  public var p90: Double
  /// The model's total over the recorded total, less one.
  public var bias: Double

  /// The errors of some steps; `nil` where none has a GPU time.
  public init?(_ steps: some Sequence<ComparedStep>) {
    var errors: [Double] = []
    var modelled = 0.0
    var recorded = 0.0
    for step in steps {
      guard let time = step.recorded, time > .zero else { continue }
      errors.append((step.modelled.seconds / time.seconds - 1).magnitude)
      modelled += step.modelled.seconds
      recorded += time.seconds
    }
    guard !errors.isEmpty else { return nil }
    errors.sort()
    self.steps = errors.count
    meanAbsolute = errors.reduce(0, +) / Double(errors.count)
    let place = Double(errors.count - 1) * 0.9
    let lower = Int(place)
    let upper = min(lower + 1, errors.count - 1)
    p90 = errors[lower] + (errors[upper] - errors[lower]) * (place - Double(lower))
    bias = modelled / recorded - 1
  }
}
