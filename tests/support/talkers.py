"""Speakers in a browser without the studio: the browser's WebRTC straight against the stage."""

from __future__ import annotations

from playwright.async_api import Page

from support.ears import until
from support.server import RoomMade

OTHERS = "#others"  # the element that plays what comes back from the stage

_JOIN = """
async ([url, token]) => {
    const audio = document.createElement("audio");
    audio.id = "others";
    document.body.append(audio);
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
    const peer = (window.peer = new RTCPeerConnection());
    peer.ontrack = ({ track }) => {
        audio.srcObject = new MediaStream([track]);
        audio.play();
    };
    peer.addTrack(stream.getAudioTracks()[0], stream);
    await peer.setLocalDescription();
    const answer = await fetch(url, {
        method: "POST",
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" },
        body: peer.localDescription.sdp,
    });
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
}
"""


async def talk(page: Page, room: RoomMade, role: str, index: int = 0) -> None:
    """Take a seat and keep it for as long as the page is there."""
    # Any page of the stage's own: a microphone needs a trustworthy origin.
    await page.goto(room.server.stage_url("/healthz"))
    url = room.server.stage_url(f"/talk/{room.id}")
    await page.evaluate(_JOIN, [url, room.token(role, index)])
    await until(page, "peer.connectionState === 'connected'")
