internal import TraceModel

/// Reads from JSON lines which SM each CTA of a launch went to, as
/// `Sources/GPUMeasurement/cta_placement.py` prints it.
///
/// ```
/// {"op":"cta-placement","gpu":"NVIDIA H200","sm_count":132,"ctas":160,"sms":[124,125,…]}
/// ```
/// Lines of other operations are passed over.
public enum PlacementLog {
  /// The launches of a log, each with the SM of every CTA, behind `known`; no more where it has no such lines.
  ///
  /// - `gpu`, `smCount`: of which GPU they must be
  /// - `known`: those of other logs, which these must not contradict
  public static func launches(
    text: String, source: String, gpu: String, smCount: Int, beside known: [[Int16]] = []
  ) throws(MachineProfileError) -> [[Int16]] {
    var launches = known
    for (number, json) in LogLines.lines(of: "cta-placement", in: text) {
      func wrong(_ reason: String) -> MachineProfileError {
        MachineProfileError(source: source, line: number, reason: reason)
      }
      guard json["gpu"]?.string == gpu, json["sm_count"]?.int == smCount else {
        throw wrong("is not of '\(gpu)' with \(smCount) SMs, as the rest is")
      }
      guard case .array(let values)? = json["sms"],
        let launch = PlacedLaunch.sms(values.map(\.int), smCount: smCount),
        json["ctas"]?.int == launch.count
      else {
        throw wrong("`sms` must have the number of an SM for each of `ctas` CTAs")
      }
      if let other = launches.first(where: { $0.count == launch.count }) {
        guard other == launch else {
          throw wrong("puts \(launch.count) CTAs elsewhere than another line does; keep one")
        }
        continue
      }
      guard launches.count < MachineProfileLimits.placedLaunchesMax else {
        throw wrong(
          "is beyond the \(MachineProfileLimits.placedLaunchesMax) launches that a profile has")
      }
      launches.append(launch)
    }
    return launches
  }
}

/// Launches in profiles and logs.
enum PlacedLaunch {
  /// The SM of each CTA; `nil` where one is none of the GPU's, or they are none or more than it holds.
  static func sms(_ numbers: [Int?], smCount: Int) -> [Int16]? {
    guard (1...MachineProfileLimits.placedCTAsMax).contains(numbers.count) else { return nil }
    let sms = numbers.compactMap { number in
      number.flatMap { (0..<smCount).contains($0) ? Int16(exactly: $0) : nil }
    }
    var onSM: [Int16: Int] = [:]
    for sm in sms { onSM[sm, default: 0] += 1 }
    guard sms.count == numbers.count,
      onSM.values.allSatisfy({ $0 <= MachineProfileLimits.placedCTAsPerSMMax })
    else { return nil }
    return sms
  }
}
