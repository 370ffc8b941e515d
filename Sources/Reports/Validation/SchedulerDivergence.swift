public import EngineSimulation
public import StepTiming
public import TraceModel

/// What each step of a run was made of, as one number a step.
public struct BatchSequence: Hashable, Sendable {
  /// The batches' fingerprints, in order.
  private(set) var prints: [UInt64] = []
  /// When each was scheduled.
  private(set) var starts: [Nanoseconds] = []

  /// No steps yet.
  public init() {}

  /// Adds a step; one without rows is no batch.
  ///
  /// The order of rows does not count.
  public mutating func add(_ step: TraceStep) {
    guard !step.rows.isEmpty else { return }
    // A sum of well-mixed row numbers is the same in any order.
    var sum: UInt64 = 0
    for row in step.rows {
      let place = UInt64(UInt32(bitPattern: row.request))
      let work =
        UInt64(UInt32(bitPattern: row.computed.rawValue)) << 32
        | UInt64(UInt32(bitPattern: row.queryLength.rawValue))
      sum &+= Self.mixed(Self.mixed(place &+ 1) ^ work)
    }
    prints.append(sum)
    starts.append(step.scheduleStart)
  }

  /// The finalizer of SplitMix64.
  private static func mixed(_ value: UInt64) -> UInt64 {
    var bits = value &+ 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }
}

extension BatchSequence: StepObserver {
  /// Always.
  public static var wantsSteps: Bool { true }
  /// Takes a simulated step in.
  public mutating func observe(_ step: TraceStep, time: StepTime) { add(step) }
}

/// How far a scheduler's batches, recorded or modelled, are from another's on the same arrivals.
public struct SchedulerDivergence: Hashable, Sendable {
  /// Steps of the recording.
  public var recordedSteps: Int
  /// Steps of the rescheduled replay.
  public var rescheduledSteps: Int
  /// The first step, counted from zero, whose batch is another; `nil` where all are the same.
  public var firstStep: Int?
  /// When the recording scheduled it; `nil` where the recording ends before.
  public var at: Nanoseconds?
  /// Of the recorded batches, the share that the rescheduled replay formed too, at whatever time.
  public var sharedBatches: Double

  /// Compares two sequences of batches.
  public init(recorded: BatchSequence, rescheduled: BatchSequence) {
    recordedSteps = recorded.prints.count
    rescheduledSteps = rescheduled.prints.count
    let common = zip(recorded.prints, rescheduled.prints).prefix { $0 == $1 }.count
    let isSame = common == recordedSteps && common == rescheduledSteps
    firstStep = isSame ? nil : common
    at = !isSame && common < recordedSteps ? recorded.starts[common] : nil
    let formed = Set(rescheduled.prints)
    let shared = recorded.prints.count { formed.contains($0) }
    sharedBatches = recordedSteps == 0 ? 1 : Double(shared) / Double(recordedSteps)
  }

  /// One sentence for a report.
  var words: String {
    guard let firstStep else {
      return "all \(NumberText.grouped(recordedSteps)) batches are those of the recording"
    }
    let moment = at.map { " (\(NumberText.fixed($0.seconds, places: 3)) s)" } ?? ""
    return "batches part from the recording's at step \(NumberText.grouped(firstStep))\(moment); "
      + "\(NumberText.percent(sharedBatches)) of the \(NumberText.grouped(recordedSteps)) recorded "
      + "ones are formed in \(NumberText.grouped(rescheduledSteps)) steps"
  }

  /// The divergence as results carry it.
  func json() -> JSONValue {
    .object([
      .init("recorded_steps", .integer(Int64(recordedSteps))),
      .init("rescheduled_steps", .integer(Int64(rescheduledSteps))),
      .init("first_step", firstStep.map { .integer(Int64($0)) } ?? .null),
      .init("first_step_s", at.map { .number($0.seconds) } ?? .null),
      .init("shared_batches", .number(sharedBatches)),
    ])
  }
}
