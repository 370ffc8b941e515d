import ArgumentParser
import ConfigurationFiles

/// The whole program behind `main`: arguments in, an exit code out.
public enum RepriseProgram {
  /// Runs one command line; the first argument is the first after the program's name.
  ///
  /// - Returns: 0 when the work is done, 1 when it failed, 2 when the call was wrong.
  public static func run(_ arguments: [String], on console: Console) async -> Int32 {
    do {
      var command = try RepriseCommand.parseAsRoot(arguments)
      guard var runnable = command as? any ConsoleCommand else {
        // A command with subcommands alone, or --help: its own `run` throws the help to print.
        try command.run()
        return 0
      }
      try await runnable.run(on: console)
      return 0
    } catch {
      return report(error, arguments: arguments, on: console)
    }
  }

  private static func report(_ error: any Error, arguments: [String], on console: Console) -> Int32
  {
    switch error {
    case let error as CommandError:
      console.note(error.message)
      return error.kind == .usage ? 2 : 1
    case let error as OutputError:
      return report(error, on: console)
    case let error as ConfigurationError where error.isUnknownArgument:
      console.note(error.message)
      return 2
    case let error as any OneLineError:
      console.note(error.message)
      return 1
    default:
      return reportParsing(error, arguments: arguments, on: console)
    }
  }

  /// A reader that goes away is no failure of ours.
  private static func report(_ error: OutputError, on console: Console) -> Int32 {
    if error == .closedPipe { return 0 }
    console.note(
      "cannot write to standard output: \(error.reason); free some space or write elsewhere")
    return 1
  }

  /// What ArgumentParser throws: help, which is a result, or a wrong call in several lines.
  private static func reportParsing(
    _ error: any Error, arguments: [String], on console: Console
  ) -> Int32 {
    guard !RepriseCommand.exitCode(for: error).isSuccess else {
      do { try console.print(RepriseCommand.fullMessage(for: error) + "\n") } catch {
        return report(error, on: console)
      }
      return 0
    }
    let lines = RepriseCommand.message(for: error).split(
      separator: "\n", omittingEmptySubsequences: true)
    var what = lines.joined(separator: " ")
    if what.hasSuffix(".") { what.removeLast() }
    console.note("\(what); see 'reprise \(commandPath(arguments))--help'")
    return 2
  }

  /// The subcommand names that a call begins with, each followed by a space.
  private static func commandPath(_ arguments: [String]) -> String {
    var command: any ParsableCommand.Type = RepriseCommand.self
    var path = ""
    for argument in arguments {
      guard let next = command.configuration.subcommands.first(where: { $0.name == argument })
      else { break }
      command = next
      path += argument + " "
    }
    return path
  }
}

extension ConfigurationError {
  /// Whether it is about a name in the call itself and not in a file.
  fileprivate var isUnknownArgument: Bool {
    if case .unknownName = kind { return path == nil }
    return false
  }
}

extension ParsableCommand {
  fileprivate static var name: String { configuration.commandName ?? "" }
}
