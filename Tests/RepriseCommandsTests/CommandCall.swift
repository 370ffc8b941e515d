import RepriseCommands
import Synchronization
import TestSupport

/// One run of the program inside the test, with what it printed.
struct CommandCall {
  let exitCode: Int32
  let output: String
  let errors: String

  /// Runs the program with these arguments.
  init(_ arguments: String...) async { await self.init(arguments) }

  /// Runs the program with these arguments.
  init(_ arguments: [String]) async {
    let output = MemorySink()
    let errors = MemorySink()
    exitCode = await RepriseProgram.run(arguments, on: Console(output: output, errors: errors))
    self.output = output.text
    self.errors = errors.text
  }

  /// Whether standard error has exactly one line, which begins with the program's name.
  var hasOneErrorLine: Bool {
    errors.hasPrefix("reprise: ") && errors.hasSuffix("\n")
      && errors.utf8.count { $0 == UInt8(ascii: "\n") } == 1
  }
}

/// Keeps what is written.
final class MemorySink: OutputSink {
  private let bytes = Mutex<[UInt8]>([])
  let isTerminal: Bool

  init(isTerminal: Bool = false) { self.isTerminal = isTerminal }

  func write(_ piece: Span<UInt8>) throws(OutputError) {
    var copy: [UInt8] = []
    for index in piece.indices { copy.append(piece[index]) }
    bytes.withLock { [copy] in $0.append(contentsOf: copy) }
  }

  var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
}

/// Refuses every byte, as a full disk or a closed pipe does.
final class RefusingSink: OutputSink {
  private let error: OutputError
  let isTerminal = false

  init(_ error: OutputError) { self.error = error }

  func write(_ piece: Span<UInt8>) throws(OutputError) { throw error }
}
