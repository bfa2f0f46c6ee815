"""Where the face is in a picture, from what is drawn.

The box is a face detector's, from the brows to the chin, to about a tenth of its side: it was
fitted to dlib's on fifteen pictures.
"""

from collections.abc import Sequence

import torch

from engine.demo.people.anatomy import load_anatomy, make_pose, shape_bodies
from engine.demo.people.identity import Identity
from engine.demo.people.scene import SKIN, make_camera
from engine.demo.people.view import View

BOX_SIDE_DM = 1.45
BOX_CENTRE = 0.45
"""Of the way from between the eyes to the lips."""


@torch.no_grad()
def face_boxes(
    people: Sequence[tuple[Identity, View]], device: str | torch.device = "cpu"
) -> torch.Tensor:
    """Left, top, right and bottom in shares of the picture's side: (people, 4)."""
    device = str(device)
    anatomy = load_anatomy(device)
    body = make_pose(people, device).apply(shape_bodies(anatomy, people), anatomy.head_turn)
    crown = body[:, anatomy.triangles[anatomy.parts == SKIN].unique(), 1].amax(1)
    camera = make_camera([view for _, view in people], crown)
    eyes = torch.stack([body[:, ids].mean(1) for ids in anatomy.eye_vertices]).mean(0)
    lips = body[:, anatomy.lips > 0.5].mean(1)
    ends = camera.project(torch.stack([eyes, lips], 1), 1)
    middle = ends[:, 0] + BOX_CENTRE * (ends[:, 1] - ends[:, 0])
    half = BOX_SIDE_DM * camera.focal / middle[:, 2] / 2
    x, y = middle[:, 0], middle[:, 1]
    return torch.stack([x - half, y - half, x + half, y + half], 1)
