import ArgumentParser
import TraceImport

/// `reprise record`: an engine's step log becomes a trace.
struct RecordCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "record",
    abstract: "Turn an engine's step log into a trace, from a file, a pipe or a socket.",
    discussion: """
      A step log is engine-step-log/1: JSON lines that any engine can print. A compressed one comes \
      through a pipe:
        zstd -dc run.steps.jsonl.zst | reprise record - --output run.reprise

      NVIDIA Dynamo's forward-pass metrics (DYN_FPM_MODE=full) are read where they carry extend_lengths \
      and past_kv_lengths: zcat dynamo-fpm.*.jsonl.gz | reprise record - --output run.reprise

      With --listen each connection to a UNIX socket becomes one trace in the directory --output, \
      until SIGINT, SIGTERM or --max-connections.
      """)

  @Argument(help: "The step log, or - for standard input.")
  var log: String?

  @Option(help: "engine-step-log or dynamo-fpm; by the first line if not given.")
  var format: StepLogFormat?

  @Option(help: "Listen on a UNIX socket of this path instead of reading one log.")
  var listen: String?

  @Option(help: "With --listen: stop after so many connections.")
  var maxConnections: Int?

  @Option(
    help: "The trace to write; with --listen the directory for traces.",
    transform: FileSystem.traceName)
  var output: String

  func validate() throws {
    guard (log == nil) != (listen == nil) else {
      throw ValidationError("name either a step log (or - for standard input) or --listen SOCKET")
    }
    if format == .dynamoFPM, listen != nil {
      throw ValidationError("--listen takes step logs, not --format dynamo-fpm")
    }
    if maxConnections != nil, listen == nil {
      throw ValidationError("--max-connections goes with --listen")
    }
    if let maxConnections, maxConnections < 1 {
      throw ValidationError("--max-connections must be at least 1")
    }
  }

  func run(on console: Console) throws {
    StopSignal.catchSignals()
    if let listen {
      try StepLogListener(
        socketPath: listen, directory: output, connectionsMax: maxConnections, console: console
      ).run()
      return
    }
    if let log { try FileSystem.keep(log, from: output) }
    let source = try InputFile.open(log ?? "-")
    defer { source.close() }
    let lines = try PeekedSource(source)
    let recording = StepLogRecording(path: output, isLive: log == nil || log == "-")
    let totals =
      format ?? StepLogFormat(detecting: lines.firstLine) == .dynamoFPM
      ? try recording.write(DynamoFPMReader.read(lines, name: source.name))
      : try recording.run(lines, name: source.name)
    for note in totals.notes { console.note(note) }
    if let fault = totals.fault {
      let kept = "\(output) has what precedes it: \(totals.words)"
      // Asked to stop, it is no wonder that a line was cut.
      guard StopSignal.isRaised else { throw CommandError.failed("\(fault); \(kept)") }
      console.note("\(fault); \(kept)")
    }
    try console.print("\(output): \(totals.words)\n")
  }
}
