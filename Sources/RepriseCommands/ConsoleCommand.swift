import ArgumentParser

/// A command that does its work on a console it is given, so that tests can read what it prints.
protocol ConsoleCommand: ParsableCommand {
  /// Does the work; returns when all results are written.
  mutating func run(on console: Console) async throws
}
