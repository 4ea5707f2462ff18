"""Serve the simulated platform's oracle: chat completions on this machine, answered from the platform's truth.

geo serve-oracle --platform ./lakehouse/raw --port 8571
geo serve-oracle --limited 0.01 --failed 0.01 --malformed 0.01 --refused 0.01 --log oracle.jsonl

It stands for the large model that labels pictures in production, and fails as such do: every fault has a rate, and the
same seed fails alike. Nothing it says is a finding about the world. It runs until it is interrupted.
"""

import argparse
import os
from pathlib import Path

from rich.console import Console

from geo_lib.config import Conf
from geo_lib.demo.oracle.behaviour import KNOBS, Behaviour
from geo_lib.demo.oracle.chat import ChatServer
from geo_lib.demo.oracle.labels import known_pictures
from geo_lib.demo.oracle.oracle import MODEL, Oracle
from geo_lib.errors import ConfigError, InputError
from jobs.simulate_platform import SimulatePlatform


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--platform", type=Path, help="folder of the simulated platform (default: the configuration's)")
    parser.add_argument("--port", type=int, default=8571, help="port of this machine; 0: a free one (default: 8571)")
    parser.add_argument("--key", metavar="VARIABLE", help="environment variable of the key that clients must send")
    parser.add_argument("--log", type=Path, help="file to which a line of JSON is appended for each request")
    default = Behaviour()
    for knob, kind in KNOBS:
        option = f"--{knob.replace('_', '-')}"
        parser.add_argument(option, type=kind, default=getattr(default, knob), help="default: %(default)s")


def run(args: argparse.Namespace, conf: Conf, console: Console) -> int:
    platform = args.platform or Path(conf.lakehouse, conf.knobs("simulate_platform", SimulatePlatform).folder)
    if not (platform / "platform.json").is_file():
        raise InputError(f"no platform was simulated into {platform}; run geo simulate-platform first")
    if args.key is not None and args.key not in os.environ:
        raise ConfigError(f"--key names the environment variable {args.key}, which is not set")
    try:
        behaviour = Behaviour(**{knob: getattr(args, knob) for knob, _ in KNOBS})
    except ValueError as wrong:
        raise ConfigError(str(wrong)) from wrong
    key = None if args.key is None else os.environ[args.key]
    oracle = Oracle(known_pictures(platform), behaviour, key=key, log=args.log)
    try:
        server = ChatServer(oracle, model=MODEL, port=args.port)
    except OSError as taken:
        raise ConfigError(f"port {args.port} of this machine cannot be had: {taken.strerror}; name another") from taken
    console.print(f"{MODEL} answers at {server.url} about {len(oracle.pictures):,} pictures; interrupt it to end it")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0
    finally:
        server.server_close()
    return 0
