"""Prints the records that TensorBoard's own writer makes of the events in GoldenRecordTests.swift.

Run with the versions in README.md: python make_event_records.py
"""

import io
import textwrap

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


def scalar(tag, value):
    return Summary.Value(tag=tag, simple_value=value)


picture = Summary.Image(height=9, width=7, colorspace=3, encoded_image_string=b"\x01\x02\x03")
events = {
    "version": Event(wall_time=5, file_version="brain.Event:2"),
    "session": Event(wall_time=5, step=41, session_log=SessionLog(status=SessionLog.START)),
    "scalars": Event(
        wall_time=6.5, step=300, summary=Summary(value=[scalar("loss", 0.25), scalar("rate", 2)])
    ),
    "picture": Event(wall_time=7, step=301, summary=Summary(value=[Summary.Value(tag="samples", image=picture)])),
}
for name, event in events.items():
    file = io.BytesIO()
    RecordWriter(file).write(event.SerializeToString())
    print(name)
    print("\n".join(textwrap.wrap(file.getvalue().hex(), 96)))
