import ConfigurationFiles
import KernelSelection
import Testing

@Suite("A rule file")
struct RuleFileTests {
  @Test("becomes a policy with its rules in order")
  func parses() throws {
    let text = """
      name: mine
      rules:
        - when: {any_prefill: true}
          use: triton-2d
        - when: {rows: {at_least: 2, at_most: 16}, kv_heads: 8}
          use: triton-3d-32
      default: flash-attention-3
      """
    let policy = try RuleFile.parse(bytes: Array(text.utf8), path: "dir/x.yaml")
    let expected = RulePolicy(
      name: "mine", source: "rule file dir/x.yaml",
      rules: [
        .init(when: [.anyPrefill(true)], use: .triton2D),
        .init(
          when: [
            .number(.rows, .atLeast, 2), .number(.rows, .atMost, 16),
            .number(.kvHeads, .equals, 8),
          ], use: KernelVariant(.triton3D, segments: 32)),
      ], default: .flashAttention3)
    #expect(policy == expected)
  }

  @Test("is named after its file where it gives no name, and needs no rules")
  func names() throws {
    let policy = try RuleFile.parse(
      bytes: Array("default: flashinfer".utf8), path: "a/my.rule.yaml")
    #expect(policy.name == "my.rule")
    #expect(policy.rules.isEmpty)
    #expect(policy.explanation == "Every batch runs on flashinfer.")
  }

  @Test("with a mistake is answered with the line and what is allowed")
  func mistakes() {
    let table: [(String, String)] = [
      ("", "rules.yaml:1:1: 'rule file' needs a mapping with keys such as 'name', not nothing"),
      (
        "name: x",
        "rules.yaml:1:1: key 'default' is missing: name the variant that runs where no rule decides"
      ),
      (
        "default: triton-2d\nrulez: []",
        "rules.yaml:2:1: unknown key 'rulez' (did you mean 'rules'?); allowed are name, explanation, "
          + "source, rules, default"
      ),
      (
        "default: triton2d",
        "rules.yaml:1:10: unknown kernel variant 'triton2d' (did you mean 'triton-2d'?); known are "
          + "triton-2d, triton-3d-16, flash-attention-3, flashinfer, triton-3d-N (N: 2 to 128)"
      ),
      (
        "default: 3",
        "rules.yaml:1:10: 'default' needs text (in quotes where it looks like a number), not the number 3"
      ),
      ("default: triton-2d\nrules: {}", "rules.yaml:2:8: 'rules' needs a list, not a mapping"),
      (
        "default: triton-2d\nrules:\n  - use: triton-2d",
        "rules.yaml:3:5: key 'when' is missing: a rule for every batch is the file's 'default'"
      ),
      (
        "default: triton-2d\nrules:\n  - when: {rows: 1}",
        "rules.yaml:3:5: key 'use' is missing: name the variant that the rule chooses"
      ),
      (
        "default: triton-2d\nrules:\n  - when: {row: 1}\n    use: triton-2d",
        "rules.yaml:3:12: unknown key 'row' (did you mean 'rows'?); allowed are any_prefill, rows, "
          + "tokens, max_query_length, max_kv_length, mean_kv_length, sum_kv_length, skew, "
          + "q_blocks_times_kv_heads, kv_heads, sm_count"
      ),
      (
        "default: triton-2d\nrules:\n  - when: {rows: {max: 1}}\n    use: triton-2d",
        "rules.yaml:3:19: unknown key 'max'; allowed are at_most, at_least, below, above, equals"
      ),
      (
        "default: triton-2d\nrules:\n  - when: {rows: {at_most: -1}}\n    use: triton-2d",
        "rules.yaml:3:28: 'rows.at_most' needs a number of at least 0, not the number -1"
      ),
      (
        "default: triton-2d\nrules:\n  - when: {rows: few}\n    use: triton-2d",
        "rules.yaml:3:18: 'rows' needs a number of at least 0, not the text 'few'"
      ),
      (
        "default: triton-2d\nrules:\n  - when: {any_prefill: yes}\n    use: triton-2d",
        "rules.yaml:3:25: 'any_prefill' needs true or false, not the text 'yes'"
      ),
      (
        "default: triton-2d\nrules:\n  - when: {}\n    use: triton-2d",
        "rules.yaml:3:5: 'when' needs at least one condition, not a mapping"
      ),
      (
        "default: triton-2d\nname: vllm-0.13",
        "rules.yaml:2:7: 'name' 'vllm-0.13' is that of a built-in policy; take another"
      ),
      (
        "default: triton-2d\nname: a/b",
        "rules.yaml:2:7: 'name' takes 1 to 64 of a–z, A–Z, 0–9 and . _ - @"
      ),
    ]
    for (text, message) in table { #expect(rulePolicyMessage(text) == message) }
  }

  @Test("has a bounded number of rules")
  func manyRules() throws {
    let rule = "  - when: {rows: 1}\n    use: triton-2d\n"
    let text = "default: triton-2d\nrules:\n"
    let most = text + String(repeating: rule, count: ConfigurationLimits.rulesMax)
    #expect(try RuleFile.parse(bytes: Array(most.utf8), path: "r.yaml").rules.count == 1000)
    #expect(rulePolicyMessage(most + rule) == "rules.yaml:1:1: 'rules' has more than 1000 elements")
  }
}
