import KernelSelection
import Testing

@testable import MeasurementStore
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
    let list = try RepositoryFile.text("traces/README.md")
    var total = 0
    for path in files where path.hasPrefix("traces/") && path != "traces/README.md" {
      let bytes = try RepositoryFile.bytes(path)
      total += bytes.count
      let name = path.dropFirst("traces/".count)
      let line = list.split(separator: "\n").first {
        $0.contains(hexadecimal(SHA256.digest(bytes))) && $0.contains(name)
      }
      #expect(line != nil, "\(path) \(hexadecimal(SHA256.digest(bytes)))")
    }
    #expect(total <= 8 << 20, "\(total) bytes")
  }

  @Test("no file under version control reaches a megabyte")
  func light() throws {
    for path in files {
      let count = try RepositoryFile.bytes(path).count
      #expect(count < 1 << 20, "\(path) has \(count) bytes")
    }
  }

  @Test("the hash of traces is the one that everybody computes")
  func hash() {
    #expect(
      hexadecimal(SHA256.digest("abc".utf8))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
