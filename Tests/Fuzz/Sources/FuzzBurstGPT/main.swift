import Fuzzing
import TraceImport

Fuzzing.run { bytes in _ = try? WorkloadFormat.burstgpt.read(bytes, name: "fuzz") }
