import ArgumentParser
import TraceFile
import TraceImport
import TraceModel

/// `reprise import`: a published workload becomes a trace of arrivals.
struct ImportCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Turn a published request trace into a trace of arrivals.",
    discussion: WorkloadFormat.allCases.map { "\($0.rawValue): \($0.summary)" }
      .joined(separator: "\n"))

  @Argument(help: "The file, or - for standard input.")
  var file: String

  @Option(help: "The file's format.")
  var format: WorkloadFormat

  @OptionGroup var workload: WorkloadOptions

  @Option(help: "The trace to write.", transform: FileSystem.traceName)
  var output: String

  func run(on console: Console) throws {
    try FileSystem.keep(file, from: output)
    let source = try InputFile.open(file)
    defer { source.close() }
    let imported = try format.read(source, name: source.name)
    for note in imported.notes { console.note("\(source.name): \(note)") }
    try WorkloadTrace(imported, selection: workload.selection, source: source.name)
      .write(to: output, on: console)
  }
}

/// Writes arrivals as a trace and says what was written.
struct WorkloadTrace {
  private var header: TraceHeader
  private let requests: [TraceRequest]
  private let before: Int

  /// The selected part of a workload; an empty one is an error that names the source.
  init(
    _ workload: ImportedWorkload, selection: WorkloadSelection, source: String
  ) throws(CommandError) {
    header = workload.header
    before = workload.requests.count
    do { requests = try selection.apply(to: workload.requests) } catch {
      throw .failed("\(source): \(error.message)")
    }
    guard !requests.isEmpty else {
      throw .failed("\(source): no request in the chosen window; widen --from and --to")
    }
    if !selection.isEverything { header["selection"] = .string(selection.words()) }
  }

  /// Writes the trace and says so.
  func write(to path: String, on console: Console) throws {
    try write(to: path)
    let left = before - requests.count
    try console.print(
      "\(path): \(requests.count) requests" + (left > 0 ? ", \(left) outside the selection" : "")
        + "\n")
  }

  /// Writes the trace.
  func write(to path: String) throws {
    var writer = try TraceWriter(path: path, header: header)
    do {
      for request in requests { try writer.append(request) }
    } catch {
      writer.cancel()
      throw error
    }
    try writer.finish()
  }
}
