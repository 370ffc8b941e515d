internal import TraceModel

/// What a recorder is opened with; `reprise_recorder.h` explains each.
struct RecorderOptions: Sendable {
  var path = ""
  var timeZero: Int64 = 0
  var timeUnit: Int64 = 1000
  var rotateBytes: Int64 = 268_435_456
  var rotateSeconds: Int64 = 0
  var flushSeconds: Int64 = 30
  var ringBytes: Int64 = 4_194_304
  var lateSteps: Int64 = 0
  var retrySeconds: Int64 = 60

  /// Reads the JSON object of options.
  init(json text: [UInt8]) throws(RecorderError) {
    let members = try Self.members(of: text, called: "options")
    for member in members {
      switch member.key {
      case "path":
        guard let path = member.value.string, !path.isEmpty, !path.hasSuffix("/"),
          !path.utf8.contains(0)
        else { throw RecorderError("options: \"path\" must be a file's name") }
        self.path = path
      case "time_zero_ns":
        timeZero = try Self.integer(
          member, in: -RecorderLimits.numberMax...RecorderLimits.numberMax)
      case "time_unit_ns":
        timeUnit = try Self.integer(member, in: 1...1000)
        guard timeUnit == 1 || timeUnit == 1000 else {
          throw RecorderError("options: \"time_unit_ns\" must be 1 or 1000")
        }
      case "rotate_bytes": rotateBytes = try Self.integer(member, in: 0...(1 << 50))
      case "rotate_seconds": rotateSeconds = try Self.integer(member, in: 0...(1 << 30))
      case "flush_seconds": flushSeconds = try Self.integer(member, in: 1...(1 << 30))
      case "ring_bytes":
        let bounds = RecorderLimits.ringBytes
        ringBytes = try Self.integer(
          member, in: Int64(bounds.lowerBound)...Int64(bounds.upperBound))
      case "late_steps":
        lateSteps = try Self.integer(member, in: 0...Int64(RecorderLimits.stepsInFlight))
      case "retry_seconds": retrySeconds = try Self.integer(member, in: 1...(1 << 30))
      default:
        throw RecorderError("options: \"\(member.key)\" is not known; see reprise_recorder.h")
      }
    }
    guard !path.isEmpty else { throw RecorderError("options: \"path\" is missing") }
  }

  /// The members of a JSON object, or what is wrong with it.
  static func members(
    of text: [UInt8], called name: String
  ) throws(RecorderError) -> [JSONValue.Member] {
    let parsed: JSONValue
    do throws(JSONError) { parsed = try JSONValue(parsing: text) } catch {
      throw RecorderError("\(name): \(error.message); give a JSON object")
    }
    guard case .object(let members) = parsed else {
      throw RecorderError("\(name): not a JSON object")
    }
    return members
  }

  private static func integer(
    _ member: JSONValue.Member, in bounds: ClosedRange<Int64>
  ) throws(RecorderError) -> Int64 {
    guard case .integer(let value) = member.value, bounds.contains(value) else {
      throw RecorderError(
        "options: \"\(member.key)\" must be a whole number from \(bounds.lowerBound) to"
          + " \(bounds.upperBound)")
    }
    return value
  }
}
