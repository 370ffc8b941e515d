import Synchronization

/// The three things a command may touch of its surroundings beside files.
///
/// Results go to `output`; everything else (errors, warnings, progress) goes to `errors`.
public struct Console: Sendable {
  /// Standard output.
  public let output: any OutputSink
  /// Standard error.
  public let errors: any OutputSink

  /// What a progress bar says in place of its own word: which of several replays runs.
  var subject: String?
  private let said = SaidNotes()

  /// A console of two sinks.
  public init(output: any OutputSink, errors: any OutputSink) {
    self.output = output
    self.errors = errors
  }

  /// The same console, whose progress bars name one of several replays.
  func about(_ subject: String) -> Console {
    var console = self
    console.subject = subject
    return console
  }

  /// The console of this process.
  public static var process: Console {
    Console(output: DescriptorSink(descriptor: 1), errors: DescriptorSink(descriptor: 2))
  }

  /// Writes a whole text to standard output.
  func print(_ text: String) throws(OutputError) {
    try output.write(text.utf8.span)
  }

  /// Writes one line to standard error; failing to is not worth failing for.
  func note(_ line: String) {
    try? errors.write("reprise: \(line)\n".utf8.span)
  }
}

extension Console {
  /// Writes a line that holds for all of a call, though each of several replays finds it.
  func noteOnce(_ line: String) {
    if said.isNew(line) { note(line) }
  }
}

/// Lines that a call has said.
private final class SaidNotes: Sendable {
  private let lines = Mutex<Set<String>>([])

  func isNew(_ line: String) -> Bool {
    lines.withLock { $0.insert(line).inserted }
  }
}

/// Collects output and hands it to a sink in large pieces.
struct BufferedOutput {
  /// Bytes not written yet; append to it and call `flushIfFull()` now and then.
  var bytes: [UInt8] = []
  private let sink: any OutputSink

  init(_ sink: any OutputSink) {
    self.sink = sink
    bytes.reserveCapacity(2 * Limits.outputPieceBytes)
  }

  mutating func append(_ text: String) throws(OutputError) {
    bytes.append(contentsOf: text.utf8)
    try flushIfFull()
  }

  mutating func flushIfFull() throws(OutputError) {
    if bytes.count >= Limits.outputPieceBytes { try flush() }
  }

  mutating func flush() throws(OutputError) {
    guard !bytes.isEmpty else { return }
    try sink.write(bytes.span)
    bytes.removeAll(keepingCapacity: true)
  }
}
