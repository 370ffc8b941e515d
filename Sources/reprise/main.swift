import Glibc
import RepriseCommands

// A reader that goes away is an error of the write, not a signal that kills the process.
unsafe signal(SIGPIPE, SIG_IGN)
exit(await RepriseProgram.run(Array(CommandLine.arguments.dropFirst()), on: .process))
