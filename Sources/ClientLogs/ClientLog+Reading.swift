internal import TraceFile
internal import TraceModel

extension ClientLog {
  /// Reads a log of any of the formats, compressed with zstd or not.
  ///
  /// The format is told by the content, not by the name.
  public init(bytes: [UInt8], source: String) throws(ClientLogError) {
    let text = try Self.text(of: bytes, source: source)
    let documents = ClientLogText(text, source: source)
    guard let first = try documents.first() else {
      throw ClientLogError(
        .empty, source: source, reason: "no request in it; name the log of a run that served some")
    }
    switch try Self.format(of: first, source: source) {
    case .tokens: self = try TokenTimes.read(documents)
    case .bench: self = try BenchFile.read(documents)
    case .aiperf: self = try AIPerfRecords.read(documents)
    }
    guard !requests.isEmpty else {
      throw ClientLogError(
        .empty, source: source,
        reason: "none of its \(failed) requests reached its end; look into the run's own errors")
    }
    let sendings = requests.compactMap(\.sent)
    if let first = sendings.min(), let last = sendings.max(),
      (last - first).seconds > ClientLogLimits.secondsMax
    {
      throw ClientLogError(
        .malformed, source: source,
        reason: "its requests were sent over more than a year; is this the log of one run?")
    }
  }

  /// The text of a log; bytes that are no zstd frame as they are.
  private static func text(
    of bytes: [UInt8], source: String
  ) throws(ClientLogError) -> [UInt8] {
    guard ZstdText.isCompressed(bytes) else { return bytes }
    do throws(ZstdTextError) {
      return try ZstdText.decompressed(
        bytes, bytesMax: ClientLogLimits.textBytesMax, expansionMax: ClientLogLimits.expansionMax)
    } catch {
      let advice = error.kind == .tooLarge ? "is this a client log?" : "copy the file again"
      throw ClientLogError(
        error.kind == .truncated ? .truncated : .malformed, source: source,
        place: "byte \(error.offset)", reason: "\(error.reason); \(advice)")
    }
  }

  private static func format(
    of first: JSONValue, source: String
  ) throws(ClientLogError) -> Format {
    if first["kind"]?.string == "client" { return .tokens }
    if first["metadata"] != nil, first["metrics"] != nil { return .aiperf }
    if first["ttfts"] != nil || first["completed"] != nil { return .bench }
    var reason = "not a client log; known are client.jsonl, vllm bench serve's detailed result "
    reason += "and AIPerf's profile_export.jsonl"
    if let kind = first["kind"]?.string, kind == "header" {
      reason += "; this is a step log, which 'reprise record' reads"
    }
    throw ClientLogError(.foreignFormat, source: source, place: "line 1", reason: reason)
  }
}

/// A text of one JSON document or of one a line.
struct ClientLogText {
  let source: String
  private let bytes: [UInt8]

  init(_ bytes: [UInt8], source: String) {
    self.bytes = bytes
    self.source = source
  }

  /// The first document; `nil` of an empty text.
  func first() throws(ClientLogError) -> JSONValue? {
    var first: JSONValue?
    if let whole = try? JSONValue(parsing: bytes), case .object = whole { return whole }
    try forEachLine { value, _ in
      first = value
      return false
    }
    return first
  }

  /// The one document that the whole text is.
  func whole() throws(ClientLogError) -> JSONValue {
    do throws(JSONError) {
      return try JSONValue(parsing: bytes)
    } catch {
      throw fault(error, line: 1)
    }
  }

  /// Every line that is not blank, with its number, until `body` answers `false`.
  func forEachLine(
    _ body: (JSONValue, Int) throws(ClientLogError) -> Bool
  ) throws(ClientLogError) {
    var number = 0
    var start = 0
    let span = bytes.span
    while start < bytes.count {
      var end = start
      while end < bytes.count, span[end] != 0x0A { end += 1 }
      number += 1
      let line = span.extracting(start..<end)
      start = end + 1
      guard !Self.isBlank(line) else { continue }
      let value: JSONValue
      do throws(JSONError) {
        value = try JSONValue(parsing: line)
      } catch {
        throw fault(error, line: number, isLast: end == bytes.count)
      }
      guard try body(value, number) else { return }
    }
  }

  private static func isBlank(_ line: Span<UInt8>) -> Bool {
    for index in line.indices where ![0x20, 0x09, 0x0D].contains(line[index]) { return false }
    return true
  }

  private func fault(_ error: JSONError, line: Int, isLast: Bool = true) -> ClientLogError {
    let isCut = isLast && error.kind == .truncated
    return ClientLogError(
      isCut ? .truncated : .malformed, source: source, place: "line \(line)",
      reason: isCut
        ? "ends within a value; copy the file again, or let the client finish"
        : "\(error.summary) (column \(error.offset + 1)); is this a client log?")
  }
}

/// A place in a log, which turns values into quantities or says what is wrong with them there.
struct ClientLogPlace {
  let source: String
  let place: String

  /// An error here.
  func error(_ kind: ClientLogError.Kind, _ reason: String) -> ClientLogError {
    ClientLogError(kind, source: source, place: place, reason: reason)
  }

  /// A member that must be there.
  func member(_ key: String, of value: JSONValue) throws(ClientLogError) -> JSONValue {
    guard let found = value[key], found != .null else {
      throw error(.missingField, "'\(key)' is missing; save the run with its details")
    }
    return found
  }

  /// A time, given in units of so many seconds.
  func time(
    _ value: JSONValue, _ key: String, unit: Double = 1, isPoint: Bool = false
  ) throws(ClientLogError) -> Nanoseconds {
    // Points may lie decades after their clock's zero; lengths may not be negative.
    let bounds =
      isPoint
      ? -ClientLogLimits.pointSecondsMax...ClientLogLimits.pointSecondsMax
      : 0...ClientLogLimits.secondsMax
    guard let number = value.double, bounds.contains(number * unit),
      let time = Nanoseconds(seconds: number * unit)
    else { throw error(.malformed, "'\(key)' is no time; is this a client log?") }
    return time
  }

  /// Lengths that follow one another, together no longer than one may be.
  func lengths(
    _ value: JSONValue, _ key: String, unit: Double = 1
  ) throws(ClientLogError) -> [Nanoseconds] {
    guard case .array(let values) = value else {
      throw error(.malformed, "'\(key)' is no list of times; was the run saved with its details?")
    }
    var lengths: [Nanoseconds] = []
    var total = Nanoseconds.zero
    for value in values {
      let length = try time(value, key, unit: unit)
      total += length
      guard total.seconds <= ClientLogLimits.secondsMax else {
        throw error(.malformed, "'\(key)' takes more than a year; is this a client log?")
      }
      lengths.append(length)
    }
    return lengths
  }

  /// A count of tokens.
  func count(_ value: JSONValue, _ key: String) throws(ClientLogError) -> Int {
    guard let number = value.double, number >= 0, number < Double(Int32.max),
      number == number.rounded()
    else { throw error(.malformed, "'\(key)' is no count of tokens; is this a client log?") }
    return Int(number)
  }

  /// An array that must be there.
  func array(_ key: String, of value: JSONValue) throws(ClientLogError) -> [JSONValue] {
    guard case .array(let values) = try member(key, of: value) else {
      throw error(.malformed, "'\(key)' is no list; is this a client log?")
    }
    return values
  }
}
