public import TraceModel

/// Requests taken from another project's file or drawn by a generator: arrivals without steps.
public struct ImportedWorkload: Hashable, Sendable {
  /// Where the requests come from; it names no engine, since none has run them.
  public var header: TraceHeader
  /// The requests in order of arrival.
  public var requests: [TraceRequest]
  /// What was left out and why, one text for each kind of thing.
  public var notes: [String]

  /// A workload of given parts.
  public init(header: TraceHeader, requests: [TraceRequest], notes: [String] = []) {
    self.header = header
    self.requests = requests
    self.notes = notes
  }
}

/// Gathers a file's rows, holding each to the bounds and the order that all formats share.
struct WorkloadBuilder {
  private(set) var requests: [TraceRequest] = []
  var notes = NoteCounter()
  private var lastArrival = Nanoseconds(.min)

  /// Adds a row, or drops one without work to do, with a note.
  mutating func add(_ request: TraceRequest) throws(LineFault) {
    guard request.arrival >= lastArrival else {
      throw LineFault(
        "arrives \(request.arrival.seconds) s, before the row in front of it "
          + "(\(lastArrival.seconds) s); sort the file by time", kind: .inconsistent)
    }
    lastArrival = request.arrival
    guard request.outputTokens > .zero else {
      notes.count("row with 0 output tokens dropped: the request failed or returned nothing")
      return
    }
    guard request.promptTokens > .zero else {
      notes.count("row with 0 prompt tokens dropped: there is nothing to compute")
      return
    }
    guard requests.count < ImportLimits.requestsMax else { throw LineFault("too many rows") }
    requests.append(request)
  }

  /// The whole workload; a file without a single request in it is an error.
  func finish(
    _ format: WorkloadFormat, name: String, members: [JSONValue.Member]
  ) throws(TraceImportError) -> ImportedWorkload {
    guard !requests.isEmpty else {
      let why = notes.lines.isEmpty ? "" : " (\(notes.lines.joined(separator: "; ")))"
      throw TraceImportError(.foreignFormat, source: name, reason: "no requests in the file" + why)
    }
    let header = TraceHeader(
      members: [
        .init("source", .string(Self.fileName(name))),
        .init("source_format", .string(format.rawValue)),
        .init("workload", .string(Self.stem(Self.fileName(name)))),
        .init("time_unit", .string("s")),
      ] + members)
    return ImportedWorkload(header: header, requests: requests, notes: notes.lines)
  }

  private static func fileName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  private static func stem(_ file: String) -> String {
    file.split(separator: ".").first.map(String.init) ?? file
  }
}
