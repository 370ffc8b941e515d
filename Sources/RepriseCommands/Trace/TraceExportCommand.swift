import ArgumentParser
import TraceFile
import TraceImport
import TraceModel

/// `reprise trace export`: a trace in forms that other programs read, to standard output.
struct TraceExportCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a trace to standard output in another form.",
    discussion: """
      steps-jsonl: the step log it was recorded from, without loss.
      requests-jsonl: one request a line with timestamp (milliseconds), input_length, \
      output_length and hash_ids, as Mooncake's traces and vLLM's timed_trace data set have it.
      csv: one step a line; for a trace of arrivals alone, one request a line.
      perfetto: a timeline for ui.perfetto.dev or chrome://tracing.
      """)

  /// What the result looks like.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case stepsJSONL = "steps-jsonl"
    case requestsJSONL = "requests-jsonl"
    case csv
    case perfetto
  }

  @Argument(help: "The trace.")
  var trace: String

  @Option(help: "steps-jsonl, requests-jsonl, csv or perfetto.")
  var format: Format

  func run(on console: Console) throws {
    let reader = try TraceReader(path: trace)
    var output = BufferedOutput(console.output)
    switch format {
    case .stepsJSONL: try Self.exportStepLog(reader, to: &output)
    case .requestsJSONL: try RequestExport.writeJSONLines(reader, to: &output)
    case .csv:
      if reader.stepCount > 0 {
        try StepTableExport.write(reader, to: &output)
      } else {
        try RequestExport.writeTable(reader, to: &output)
      }
    case .perfetto: try TimelineExport.write(reader, to: &output)
    }
    try output.flush()
  }

  /// Header, requests, then steps with gaps between them.
  private static func exportStepLog(
    _ reader: TraceReader, to output: inout BufferedOutput
  ) throws {
    var writer = StepLogWriter()
    writer.append(reader.header, to: &output.bytes)
    for request in try reader.requests() {
      writer.append(request, to: &output.bytes)
      try output.flushIfFull()
    }
    var gaps = reader.gaps[...]
    var steps = try reader.steps()
    var step = TraceStep()
    while try steps.next(into: &step) {
      while let gap = gaps.first, gap.afterStep < step.number {
        writer.append(gap, to: &output.bytes)
        gaps.removeFirst()
      }
      writer.append(step, to: &output.bytes)
      try output.flushIfFull()
    }
    for gap in gaps { writer.append(gap, to: &output.bytes) }
  }
}
