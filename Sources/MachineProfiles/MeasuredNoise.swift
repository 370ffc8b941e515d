internal import CMachineProfiles
public import TraceModel

/// How far two real runs of the same work were apart, as the binary carries it.
public enum MeasuredNoise {
  /// The measurement with its origin.
  public static func json() throws(MachineProfileError) -> JSONValue {
    let floor = unsafe reprise_noise_floor()
    let bytes = unsafe Array(UnsafeBufferPointer(start: floor.bytes, count: floor.count))
    do {
      return try JSONValue(parsing: bytes)
    } catch {
      throw MachineProfileError(source: "built-in noise floor", reason: error.message)
    }
  }
}
