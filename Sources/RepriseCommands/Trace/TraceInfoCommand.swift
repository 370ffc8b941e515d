import ArgumentParser
import Reports
import TraceFile
import TraceModel

/// `reprise trace info`: what a trace holds and where it comes from.
struct TraceInfoCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Say what a trace holds and where it was recorded.")

  @Argument(help: "The trace.")
  var trace: String

  @Option(help: "Form of the result: text or json.")
  var format: ResultFormat = .text

  func run(on console: Console) throws {
    let reader = try TraceReader(path: trace)
    let totals = try reader.totals()
    let description = TraceInformation(
      name: trace, header: reader.header,
      counts: [
        ("requests", totals.requests), ("steps", totals.steps), ("rows", totals.rows),
        ("prompt_tokens", totals.promptTokens), ("output_tokens", totals.outputTokens),
        ("gaps", totals.gaps), ("dropped_steps", totals.droppedSteps),
        ("bytes", Int(totals.bytes.rawValue)),
      ], duration: totals.duration)
    switch format {
    case .text: try console.print(description.text())
    case .json: try console.print(description.json().text(pretty: true) + "\n")
    }
  }
}
