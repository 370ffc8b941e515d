import KernelSelection
import Testing

import TestSupport

@Suite("The sources are tidy")
struct TidyTests {
  let files: [String]

  init() throws { files = try RepositoryFile.tracked() }

  private var swiftFiles: [String] { files.filter { $0.hasSuffix(".swift") } }
  private var modules: [String] {
    Set(
      files.filter { $0.hasPrefix("Sources/") }.map { $0.split(separator: "/") }
        .filter { $0.count > 2 }.map { String($0[1]) }
    ).sorted()
  }

  /// Modules that touch no file, GPU, clock or lock.
  private static let core = [
    "TraceModel", "KernelSelection", "StepTiming", "EngineSimulation", "Metrics", "RuleTuning",
    "Reports",
  ]

  private func imports(of path: String) throws -> [Substring] {
    try RepositoryFile.text(path).split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard let place = words.firstIndex(of: "import"), place <= 1, place + 1 < words.count
      else { return nil }
      return words[place + 1]
    }
  }

  @Test("no file imports all of Foundation")
  func noFoundation() throws {
    for path in swiftFiles {
      #expect(try !imports(of: path).contains("Foundation"), "\(path)")
    }
  }

  @Test("the core imports neither the system nor clocks nor locks")
  func pureCore() throws {
    let forbidden: Set<Substring> = [
      "FoundationEssentials", "Glibc", "Dispatch", "Synchronization", "ArgumentParser", "CZstd",
      "CYAML",
    ]
    for path in swiftFiles where Self.core.contains(where: { path.hasPrefix("Sources/\($0)/") }) {
      #expect(try forbidden.isDisjoint(with: imports(of: path)), "\(path)")
    }
  }

  @Test("the core has no time of its own, no dice and no order of hashing")
  func deterministicCore() throws {
    let forbidden = [".random(", "ContinuousClock", "SuspendingClock", "Date()", ".shuffle"]
    for path in swiftFiles where Self.core.contains(where: { path.hasPrefix("Sources/\($0)/") }) {
      let text = try RepositoryFile.text(path)
      for word in forbidden { #expect(!text.contains(word), "\(path) has \(word)") }
    }
  }

  @Test("no file is named after nothing in particular")
  func telling() {
    for path in swiftFiles {
      let name = path.split(separator: "/").last ?? ""
      for word in ["Utils", "Utilities", "Helper", "Common", "Manager", "Misc"] {
        #expect(!name.contains(word), "\(path)")
      }
    }
  }

  @Test("no source file is longer than 400 lines")
  func short() throws {
    for path in files where path.hasSuffix(".swift") || path.hasSuffix(".py") {
      let lines = try RepositoryFile.text(path).utf8.count { $0 == UInt8(ascii: "\n") }
      #expect(lines <= 400, "\(path) has \(lines)")
    }
  }

  @Test("no file speaks of the place where it was written")
  func placeless() throws {
    // Put together here, so that this file does not contain them.
    let words = [["/wo", "rk/"], ["far", "m-"], ["../sha", "red"], ["issues ", "show"]]
      .map { $0.joined() }
    let endings = [".swift", ".md", ".py", ".yaml", ".yml", ".c", ".h", ".json", ".toml", "run"]
    for path in files where endings.contains(where: path.hasSuffix) {
      let text = try RepositoryFile.text(path)
      for word in words { #expect(!text.contains(word), "\(path) has \(word)") }
    }
  }

  @Test("the top folder holds only what the map names")
  func topLevel() {
    let allowed: Set<Substring> = [
      "Package.swift", "Sources", "Tests", "traces", "analysis", "README.md", "LICENSE",
    ]
    for path in files {
      guard let top = path.split(separator: "/").first, !top.hasPrefix(".") else { continue }
      #expect(allowed.contains(top), "\(path)")
    }
  }

  @Test("the map of the sources has every module")
  func mapped() throws {
    let map = try RepositoryFile.text("Sources/README.md")
    for module in modules { #expect(map.contains("`\(module)`"), "\(module)") }
  }

  @Test("the README has every policy")
  func policiesDocumented() throws {
    let readme = try RepositoryFile.text("README.md")
    for policy in SelectionPolicies.all {
      // A policy with a parameter stands there under its form, such as `split-up-to:N`.
      let name = policy.name.split(separator: ":")[0]
      #expect(readme.contains("`\(name)"), "\(name)")
    }
  }

  @Test("every trace stands in the list of traces with its hash, and all together are small")
  func tracesListed() throws {
    let list = try RepositoryFile.text("traces/README.md").split(separator: "\n")
    let traces = files.filter { $0.hasPrefix("traces/") && $0 != "traces/README.md" }
    let sums = try Subprocess.run("sha256sum", traces.map(RepositoryFile.path))
    let hashes = sums.output.split(separator: "\n").map { $0.prefix(64) }
    #expect(sums.exitCode == 0 && hashes.count == traces.count)
    var total = 0
    for (path, hash) in zip(traces, hashes) {
      total += try RepositoryFile.bytes(path).count
      let name = path.dropFirst("traces/".count)
      #expect(list.contains { $0.contains("`\(name)`") && $0.contains(hash) }, "\(path) \(hash)")
    }
    #expect(total <= 10 << 20, "\(total) bytes")
  }

  @Test("no file under version control reaches a megabyte")
  func light() throws {
    for path in files {
      let count = try RepositoryFile.bytes(path).count
      #expect(count < 1 << 20, "\(path) has \(count) bytes")
    }
  }
}
