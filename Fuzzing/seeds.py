"""Writes small valid files for each reader of Fuzzing/main.swift: python3 seeds.py FOLDER."""
import gzip
import io
import json
import pathlib
import struct
import sys
import zipfile
import zlib

folder = pathlib.Path(sys.argv[1])


def write(reader, name, content):
    path = folder / reader
    path.mkdir(parents=True, exist_ok=True)
    (path / name).write_bytes(content)


def npy(descr, shape, data, fortran=False, version=1):
    header = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header + data


def png(width, height, colour, rows):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(range(12))) if colour == 3 else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def archive(members, method):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in members:
            with file.open(zipfile.ZipInfo(name), "w", force_zip64=name.endswith("64")) as member:
                member.write(content)
    return buffer.getvalue()


idx = bytes([0, 0, 8, 3]) + struct.pack(">III", 2, 2, 3) + bytes(range(12))
write("idx", "plain", idx)
write("idx", "gzip", gzip.compress(idx))
write("idx", "colour", bytes([0, 0, 8, 4]) + struct.pack(">IIII", 1, 2, 2, 3) + bytes(range(12)))
write("cifar", "two", b"".join(bytes([i]) + bytes(3072) for i in range(2)))
for descr, size in [("|u1", 1), ("<f4", 4), (">f8", 8), ("<i2", 2), ("<f2", 2), ("|b1", 1)]:
    write("npy", descr.strip("|<>") + "-points", npy(descr, "(2, 3)", bytes(6 * size)))
    write("npy", descr.strip("|<>") + "-pictures", npy(descr, "(2, 1, 3)", bytes(6 * size), fortran=size == 4, version=2))
pictures = [("a/1.png", png(2, 2, 0, bytes(6))), ("b/2.png", png(2, 2, 2, bytes(14)))]
for name, method in [("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)]:
    write("zip", f"{name}-pictures", archive(pictures, method))
    labels = json.dumps({"labels": [["a/1.png", 1], ["b/2.png", 0]]}).encode()
    write("zip", f"{name}-labelled", archive(pictures + [("dataset.json", labels)], method))
    arrays = [("images.npy", npy("|u1", "(2, 1, 3)", bytes(6))), ("labels.npy", npy("<i8", "(2,)", bytes(16)))]
    write("zip", f"{name}-arrays", archive(arrays, method))
for colour, channels in [(0, 1), (2, 3), (3, 1), (4, 2), (6, 4)]:
    write("png", f"colour-{colour}", png(3, 2, colour, (b"\0" + bytes(3 * channels)) * 2))
header = json.dumps({"__metadata__": {"a": "b"}, "w": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}}).encode()
write("safetensors", "one", struct.pack("<Q", len(header)) + header + bytes(8))
network = {
    "sample_size": 8, "in_channels": 1, "out_channels": 1, "block_out_channels": [8, 8], "layers_per_block": 1,
    "down_block_types": ["DownBlock2D", "AttnDownBlock2D"], "up_block_types": ["AttnUpBlock2D", "UpBlock2D"],
    "norm_num_groups": 4, "attention_head_dim": 4, "time_embedding_type": "positional", "num_class_embeds": 11,
}
write("network", "unet", json.dumps(network).encode())
for name, fields in [("linear", {}), ("cosine", {"beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction"})]:
    scheduler = {"_class_name": "DDPMScheduler", "num_train_timesteps": 100, "beta_start": 1e-4, "beta_end": 0.02, "clip_sample": True}
    write("scheduler", name, json.dumps(scheduler | fields).encode())
write("scheduler", "edm", json.dumps({"_class_name": "EDMEulerScheduler", "sigma_min": 0.002, "sigma_max": 80.0}).encode())
run = {"data": "digits", "steps": 5, "channels": [8, 8], "process": "edm", "conservative": "off", "seed": 1, "ema": 0.9}
write("configuration", "run", json.dumps(run).encode())
