/// Why a trace cannot be read or written: what, where, and what to do, in one line.
public struct TraceFileError: Error, Hashable, Sendable {
  /// What is wrong.
  public enum Kind: Hashable, Sendable {
    /// The file cannot be opened, read, written or renamed.
    case system(call: String, reason: String)
    /// The file does not start as a trace does.
    case notATrace
    /// The format's version is newer than this reader.
    case newerVersion(UInt32)
    /// The file ends before its end mark: it was still being written, or was cut.
    case unfinished
    /// Bytes contradict a checksum, a bound or each other.
    case corrupt(String)
    /// What was to be appended cannot be: rows of unknown requests, steps out of order.
    case invalid(String)
  }

  /// What is wrong.
  public var kind: Kind
  /// The file.
  public var path: String
  /// The chunk, counted from 0, where one is concerned.
  public var chunk: Int?
  /// Bytes from the start of the file, where a place is concerned.
  public var offset: UInt64?

  /// An error at a place of a file.
  public init(_ kind: Kind, path: String, chunk: Int? = nil, offset: UInt64? = nil) {
    self.kind = kind
    self.path = path
    self.chunk = chunk
    self.offset = offset
  }

  /// The whole line.
  public var message: String {
    var place = "'\(path)'"
    if let chunk { place += ", chunk \(chunk)" }
    if let offset { place += ", byte \(offset)" }
    return "\(place): \(explanation)"
  }

  private static func advice(_ call: String) -> String {
    switch call {
    case "open", "read", "stat": "check the path and who may read it"
    case "zstd": "free some memory"
    default: "free some space or write elsewhere"
    }
  }

  private var explanation: String {
    switch kind {
    case .system(let call, let reason): "\(call) failed: \(reason); \(Self.advice(call))"
    case .notATrace: "not a .reprise trace; make one with `reprise record` or `reprise import`"
    case .newerVersion(let version):
      "format version \(version) is newer than this program reads; use a newer reprise"
    case .unfinished:
      "the trace has no end mark; `reprise trace repair` saves its whole chunks"
    case .corrupt(let what): "corrupt: \(what); `reprise trace repair` saves what precedes it"
    case .invalid(let what): what
    }
  }
}

/// What is wrong with some content, before the place is known.
struct Corruption: Error, Hashable {
  var what: String
  init(_ what: String) { self.what = what }
}
