import ConfigurationFiles
import EngineSimulation
import KernelSelection
import TestSupport
import Testing

@Suite("The examples of the configuration files' README")
struct ConfigurationExampleTests {
  /// The text of each fenced block whose first line is `# kind: …`.
  private func examples(_ kind: String) throws -> [String] {
    let text = try RepositoryFile.text("Sources/ConfigurationFiles/README.md")
    return text.split(separator: "```yaml\n").dropFirst().compactMap { part in
      let block = part.prefix(upTo: part.range(ofFence: "```"))
      return block.hasPrefix("# \(kind): ") ? String(block) : nil
    }
  }

  @Test("are rule files that load")
  func rules() throws {
    let policies = try examples("rule").map {
      try RuleFile.parse(bytes: Array($0.utf8), path: "README.md")
    }
    #expect(policies.map(\.name) == ["split-long-contexts", "restated-0.9.2"])
    #expect(policies.map(\.rules.count) == [3, 1])
  }

  @Test("are engine files that load")
  func engines() throws {
    let engines = try examples("engine").map {
      try EngineFile.parse(bytes: Array($0.utf8), path: "README.md")
    }
    #expect(engines.map(\.name) == ["mistral-few", "qwen3-32b-tp2"])
    #expect(engines.map(\.kvBlocks) == [32609, 43750])
  }
}

extension Substring {
  /// Where a fence starts, or the end.
  fileprivate func range(ofFence fence: String) -> Index {
    var index = startIndex
    while index < endIndex, !self[index...].hasPrefix(fence) { index = self.index(after: index) }
    return index
  }
}
