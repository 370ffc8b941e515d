internal import CMachineProfiles
public import StepTiming
internal import TraceModel

/// The machine profiles that the binary carries.
public enum BuiltinProfiles {
  /// Every profile, in a fixed order; read on each call, so keep what it returns.
  public static func all() throws(MachineProfileError) -> [MachineProfile] {
    var profiles: [MachineProfile] = []
    for index in 0..<reprise_machine_profile_count() {
      profiles.append(try read(index))
    }
    return profiles
  }

  /// The profile of a GPU by its name, such as `NVIDIA H200`; `nil` where none is carried.
  public static func profile(gpu: String) throws(MachineProfileError) -> MachineProfile? {
    try all().first { $0.gpu == gpu }
  }

  private static func read(_ index: Int) throws(MachineProfileError) -> MachineProfile {
    let profile = unsafe reprise_machine_profile_at(index)
    let bytes = unsafe Array(UnsafeBufferPointer(start: profile.bytes, count: profile.count))
    let json: JSONValue
    do {
      json = try JSONValue(parsing: bytes)
    } catch {
      throw MachineProfileError(source: "built-in profile \(index)", reason: "\(error)")
    }
    return try MachineProfile(json: json, source: "built-in profile \(index)")
  }
}
