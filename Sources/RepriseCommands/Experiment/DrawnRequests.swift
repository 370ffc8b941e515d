import ArgumentParser
import TraceImport
import TraceModel

/// The random requests of a sweep without traces.
struct DrawnRequests: ParsableArguments {
  /// What holds where the call has no option; `nil` there tells that it has none.
  private enum Default {
    static let prompt = 1000
    static let outputTokens = 100
    static let duration = 120
  }

  @Option(help: "Prompt tokens of a random request. Default: \(Default.prompt).")
  var prompt: Int?

  @Option(help: "Output tokens of a random request. Default: \(Default.outputTokens).")
  var outputTokens: Int?

  @Option(help: "Seconds for which random requests arrive. Default: \(Default.duration).")
  var duration: Double?

  func validate() throws {
    guard seconds > 0, Nanoseconds(seconds: seconds) != nil else {
      throw ValidationError("--duration must be above 0 seconds")
    }
    for (name, count) in [("--prompt", prompt), ("--output-tokens", outputTokens)] {
      guard count ?? 1 >= 1 else { throw ValidationError("\(name) must be at least 1") }
    }
  }

  private var promptCount: Int { prompt ?? Default.prompt }
  private var outputCount: Int { outputTokens ?? Default.outputTokens }
  private var seconds: Double { duration ?? Double(Default.duration) }

  /// The options that the call has.
  var given: [String] {
    [
      prompt.map { _ in "--prompt" }, outputTokens.map { _ in "--output-tokens" },
      duration.map { _ in "--duration" },
    ].compactMap(\.self)
  }

  /// What they are like.
  var words: String {
    "\(promptCount) prompt and \(outputCount) output tokens for \(RateText.text(seconds)) s"
  }

  /// How they are drawn at a rate.
  func workload(rate: Double) -> RandomWorkload {
    RandomWorkload(
      promptTokens: promptCount, outputTokens: outputCount, rate: rate,
      size: .duration(Nanoseconds(seconds: seconds) ?? .zero), seed: UInt32(rate.rounded()),
      style: .vllmRescaled, vocabularySize: 131_072, specialTokens: 1)
  }
}
