import ConfigurationFiles
import KernelSelection
import RuleTuning
import Testing

@Suite("A rule is written out")
struct RuleTextTests {
  private let rule = RulePolicy(
    name: "tuned", source: "what 'reprise tune' found",
    rules: [
      .init(when: [.anyPrefill(true)], use: .triton2D),
      .init(
        when: [
          .number(.rows, .above, 8), .number(.rows, .atMost, 24), .number(.skew, .above, 1.25),
        ],
        use: .triton3D16),
      .init(when: [.number(.sumKVLength, .atMost, 1_048_576)], use: .init(.triton3D, segments: 8)),
    ], default: .triton2D)

  @Test("as a rule file that reads back as the same rule")
  func yaml() throws {
    let text = RuleFile.text(of: rule, comments: ["tuned for a test", ""])
    let read = try RuleFile.parse(bytes: Array(text.utf8), path: "tuned.yaml")
    #expect(read == rule)
  }

  @Test("as a Python function of the numbers that it looks at")
  func python() {
    #expect(
      RulePython(rule, origin: ["Tuned for a test."]).text == """
        def select_attention_kernel(
            *,
            num_seqs: int,
            max_query_len: int,
            sum_seq_lens: int,
            seq_len_skew: float,
        ) -> str:
            \"\"\"The attention kernel for a batch, known on the host before the launch.

            Tuned for a test.

            Arguments:
                num_seqs: rows of the launch, CUDA-graph padding included
                max_query_len: the most new tokens in a row
                sum_seq_lens: sum of the rows' lengths, in tokens to attend to
                seq_len_skew: longest row / mean row, without padding
            \"\"\"
            if max_query_len > 1:
                return "triton-2d"
            if num_seqs > 8 and num_seqs <= 24 and seq_len_skew > 1.25:
                return "triton-3d-16"
            if sum_seq_lens <= 1048576:
                return "triton-3d-8"
            return "triton-2d"

        """)
  }

  @Test(
    "in a form that has a name",
    arguments: [
      ("tree", "tree:3"), ("tree:5", "tree:5"), ("thresholds", "thresholds"),
      ("thresholds:2", "thresholds:2"), ("table", "table"),
    ])
  func forms(text: String, name: String) throws {
    #expect(try #require(RuleForm(text)).name == name)
  }

  @Test(
    "in no other form",
    arguments: ["", "tree:0", "tree:9", "tree:x", "table:2", "forest", "thresholds:9", "tree:3:1"])
  func noForms(text: String) { #expect(RuleForm(text) == nil) }
}
