import ConfigurationFiles
import Fuzzing

Fuzzing.run { bytes in _ = try? RuleFile.parse(bytes: bytes, path: "fuzz") }
