import KernelSelection
import Testing

@Suite("The policy in force while recording")
struct PolicyInForceTests {
  @Test(
    "follows from what the header says",
    arguments: [
      ("always-2d", "TRITON_ATTN", "0.24.0", "always-2d"),
      ("flash-attention-3", "FLASH_ATTN (FA3)", "0.24.0", "flash-attention-3"),
      ("vllm-default", "TRITON_ATTN", "0.9.1", "always-2d"),
      ("vllm-default", "TRITON_ATTN_VLLM_V1", "0.9.2", "vllm-0.9.2"),
      ("vllm-default", "TRITON_ATTN", "0.12.0", "vllm-0.9.2"),
      ("vllm-default", "TRITON_ATTN", "0.13.0", "vllm-0.13"),
      ("vllm-default", "TRITON_ATTN", "0.24.0", "vllm-0.13"),
      ("vllm-default", "TRITON_ATTN", "0.33.0", "vllm-0.33"),
      ("vllm-default", "TRITON_ATTN", "1.0.0", "vllm-0.33"),
      ("vllm-default", "FLASHINFER", "0.24.0", "flashinfer"),
      ("vllm-default", "FLEX_ATTENTION", "0.24.0", nil),
      ("vllm-default", "FLASH_ATTN_MLA", "0.24.0", nil),
      (nil, "TRITON_MLA", "0.11.0", "vllm-mla-4-splits"),
      (nil, "TRITON_MLA", "0.20.0", nil),
      (nil, "TRITON_MLA", "0.33.0", "vllm-mla-0.33"),
      (nil, "TRITON_ATTN", "0.24.0", "vllm-0.13"),
      (nil, nil, nil, nil),
      ("vllm-default", "TRITON_ATTN", "nightly", nil),
    ] as [(String?, String?, String?, String?)])
  func followsFromHeader(
    recorded: String?, backend: String?, version: String?, expected: String?
  ) {
    #expect(
      PolicyInForce.name(
        recorded: recorded, attentionBackend: backend, engineVersion: version) == expected)
  }
}
