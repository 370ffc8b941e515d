import ArgumentParser

/// The root: `reprise` and its commands.
struct RepriseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reprise",
    abstract: "Replay recorded LLM serving traffic under any attention-kernel selection policy.",
    discussion: """
      The main job:
        reprise replay TRACE --policy always-2d,vllm-0.33,fastest

      Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 the \
      work failed, 2 the call was wrong.
      """,
    version: "0.1.0",
    subcommands: [
      ReplayCommand.self, RecordCommand.self, ImportCommand.self, GenerateCommand.self,
      TraceCommand.self, PoliciesCommand.self, CalibrateCommand.self, KernelsCommand.self,
      MeasureCommand.self, TuneCommand.self, RegretCommand.self,
      ExperimentCommand.self, SweepCommand.self, ValidateCommand.self,
    ])
}
