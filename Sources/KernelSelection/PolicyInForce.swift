/// Which selection rule an engine followed while it was recorded.
public enum PolicyInForce {
  /// The name of the policy behind what a recording's header says, or `nil` where that is not known.
  ///
  /// A recorder may name one of our policies, or say `vllm-default` (or nothing, with a Triton backend)
  /// and leave the rule to the engine's version: PR #19152's until 0.12, the threshold on sequences
  /// from 0.13, with short multi-token rows from 0.33 (vLLM's history of
  /// `triton_unified_attention.py`).
  public static func name(
    recorded: String?, attentionBackend: String?, engineVersion: String?
  ) -> String? {
    if let recorded, recorded != "vllm-default" { return recorded }
    let backend = attentionBackend ?? "TRITON_ATTN"
    if backend == "TRITON_MLA" { return latentRule(engineVersion) }
    // Kernels of latent caches are other ones.
    if backend.hasSuffix("_MLA") { return nil }
    if backend.hasPrefix("TRITON_ATTN") { return tritonRule(engineVersion) }
    if backend.hasPrefix("FLASHINFER") { return KernelFamily.flashInfer.rawValue }
    if backend.hasPrefix("FLASH_ATTN") { return KernelFamily.flashAttention3.rawValue }
    return nil
  }

  /// By vLLM's history of `triton_mla.py`; the rule changed on 2026-04-02, in a release after 0.13.
  private static func latentRule(_ version: String?) -> String? {
    guard let version = version.flatMap(VLLMVersion.init(_:)) else { return nil }
    if version >= VLLMVersion(0, 24) { return "vllm-mla-0.33" }
    return version <= VLLMVersion(0, 13) ? "vllm-mla-4-splits" : nil
  }

  private static func tritonRule(_ version: String?) -> String? {
    guard let version = version.flatMap(VLLMVersion.init(_:)) else { return nil }
    if version >= VLLMVersion(0, 33) { return "vllm-0.33" }
    if version >= VLLMVersion(0, 13) { return "vllm-0.13" }
    return version >= VLLMVersion(0, 9, 2) ? "vllm-0.9.2" : "always-2d"
  }
}
