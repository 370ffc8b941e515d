public import TraceModel

/// How far two real runs of the same work lie apart: no prediction can be better, no difference
/// below it is one.
public struct NoiseFloor: Hashable, Sendable {
  /// The machine that was measured.
  public var gpu: String
  /// What was measured and when, in words.
  public var origin: String
  /// The furthest from their mean that repeated runs came, as a share, by statistic.
  private var repeats: [Statistic: Double]
  /// What nine of ten predicted differences between policies were off by from real ones beyond the noise, as
  /// a share of what was predicted, by statistic; 1 and more where a difference cannot be told.
  private var predictions: [Statistic: Double]
  /// The furthest that two machines of the same kind were apart, as a share of mean ITL.
  public var machineToMachine: Double
  /// How far apart one request's sendings in two runs are: nine of ten stay within this.
  public var sendingDifference: Nanoseconds

  /// The furthest that a run's own sendings are from their places, if they are so evenly.
  ///
  /// The difference of two such draws has a triangular distribution, nine tenths of which lie within
  /// 2 (1 − √0.1) of this.
  public var sendingJitter: Nanoseconds {
    let width = 2 * (1 - 0.1.squareRoot())
    return Nanoseconds(Int64((Double(sendingDifference.rawValue) / width).rounded()))
  }

  /// Reads a floor; `nil` where a member is missing or makes no sense.
  public init?(json: JSONValue) {
    guard let gpu = json["gpu"]?.string, let origin = json["origin"]?.string,
      case .object(let members)? = json["repeated_runs"],
      case .object(let differences)? = json["predicted_differences_p90"],
      let machines = json["machine_to_machine"]?.double,
      let difference = json["sending_difference_p90_ms"]?.double,
      let sendingDifference = Nanoseconds(seconds: difference / 1e3), sendingDifference >= .zero
    else { return nil }
    self.gpu = gpu
    self.origin = origin
    machineToMachine = machines
    self.sendingDifference = sendingDifference
    guard let repeats = Self.shares(members, below: 1),
      let predictions = Self.shares(differences, below: Self.predictionShareMax)
    else {
      return nil
    }
    self.repeats = repeats
    self.predictions = predictions
  }

  /// Predictions that are further off are of no use at all.
  private static let predictionShareMax = 100.0

  private static func shares(
    _ members: [JSONValue.Member], below limit: Double
  ) -> [Statistic: Double]? {
    var shares: [Statistic: Double] = [:]
    for member in members {
      guard let statistic = Statistic(name: member.key), let share = member.value.double,
        (0..<limit).contains(share)
      else { return nil }
      shares[statistic] = share
    }
    return shares
  }

  /// The share by which one run may be off for no reason; `nil` for what was not measured.
  public func share(_ statistic: Statistic) -> Double? { repeats[statistic] }

  /// By how many milliseconds two runs may differ for no reason, given what each would show.
  ///
  /// Both are off independently of one another, so their shares add as squares do.
  public func difference(_ statistic: Statistic, between a: Double, and b: Double) -> Double? {
    share(statistic).map { $0 * (a * a + b * b).squareRoot() }
  }

  /// The share by which a predicted difference may be off beyond the noise; `nil` for what was not
  /// measured.
  public func predictionShare(_ statistic: Statistic) -> Double? { predictions[statistic] }

  /// The measured shares, in the order of `Statistic.all`.
  var measured: [(statistic: Statistic, share: Double)] {
    Statistic.all.compactMap { statistic in repeats[statistic].map { (statistic, $0) } }
  }

  /// One sentence for a report.
  var words: String {
    let shares = measured.map {
      "\($0.statistic.metric.label) \($0.statistic.place.rawValue) ± "
        + NumberText.percent($0.share)
    }
    return "two runs of the same work on one \(gpu) differ too: " + shares.joined(separator: ", ")
      + " in random requests; bursts, long prompts and 99th percentiles repeat less well; two machines "
      + "differ by up to \(NumberText.percent(machineToMachine)) in ITL mean"
  }

  /// What replays with moved arrivals add to it.
  func words(jitteredReplays: Int) -> String {
    "replayed \(jitteredReplays) times with arrivals moved by up to "
      + "\(NumberText.fixed(sendingJitter.milliseconds, places: 3)) ms, as real sendings were"
  }

  /// The floor as results carry it.
  func json() -> JSONValue {
    .object([
      .init("gpu", .string(gpu)), .init("origin", .string(origin)),
      .init(
        "repeated_runs",
        .object(measured.map { .init($0.statistic.name, .number($0.share)) })),
      .init(
        "predicted_differences_p90",
        .object(
          Statistic.all.compactMap { statistic in
            predictions[statistic].map { .init(statistic.name, .number($0)) }
          })),
      .init("machine_to_machine", .number(machineToMachine)),
      .init("sending_difference_p90_ms", .number(sendingDifference.milliseconds)),
    ])
  }
}
