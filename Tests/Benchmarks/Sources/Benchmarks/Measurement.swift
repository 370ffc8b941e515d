import Glibc

/// What one run of a program cost.
struct Measurement {
  /// Seconds from start to end.
  var wall: Double
  /// Seconds of processor time, of all threads.
  var processor: Double
  /// The most memory that it held, in bytes.
  var memory: Int

  /// Runs a program with its standard output thrown away; the fastest of some runs.
  static func best(of runs: Int, _ program: String, _ arguments: [String]) -> Measurement {
    let all = (0..<runs).map { _ in run(program, arguments) }
    return all.min { $0.wall < $1.wall } ?? Measurement(wall: 0, processor: 0, memory: 0)
  }

  private static func run(_ program: String, _ arguments: [String]) -> Measurement {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
    defer { unsafe words.forEach { unsafe free($0) } }
    var identifier: pid_t = 0
    let start = ContinuousClock.now
    guard unsafe posix_spawnp(&identifier, program, &actions, nil, &words, environ) == 0 else {
      fail("cannot start \(program)")
    }
    var status: Int32 = 0
    var usage = rusage()
    unsafe wait4(identifier, &status, 0, &usage)
    let wall = (ContinuousClock.now - start) / .seconds(1)
    guard status == 0 else {
      fail("\(program) \(arguments.joined(separator: " ")): status \(status)")
    }
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return Measurement(
      wall: wall, processor: seconds(usage.ru_utime) + seconds(usage.ru_stime),
      memory: usage.ru_maxrss * 1024)
  }
}

/// Ends the benchmark with a line that says why.
func fail(_ message: String) -> Never {
  print("benchmark: \(message)")
  exit(1)
}

/// A number with some places, without the tables that formatted output brings.
func text(_ value: Double, _ places: Int) -> String {
  let power = pow(10.0, Double(places))
  let scaled = (value * power).rounded()
  let whole = Int(scaled / power)
  guard places > 0 else { return "\(whole)" }
  let digits = String(Int(scaled - Double(whole) * power))
  return "\(whole)." + String(repeating: "0", count: max(0, places - digits.count)) + digits
}
