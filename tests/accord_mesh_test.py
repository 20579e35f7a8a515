"""Five nodes in a ring, cut apart and healed, two of them with clocks that are hours off: they come to say the same."""

import pytest
from accord_mesh import Mesh, why_not
from guard_clock_test import clock_shim  # noqa: F401  (a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


def test_a_ring_that_is_cut_and_healed_says_the_same_everywhere_and_nothing_goes_round(tmp_path, clock_shim):  # noqa: F811
    mesh = Mesh(tmp_path, "ring", skew={1: 5 * 3600, 3: -7 * 3600}, shim=clock_shim)
    try:
        mesh.open()
        mesh.edit(40)
        mesh.converge()
        mesh.wires.cut({2, 3})
        mesh.edit(40)
        mesh.delete(3)
        mesh.wires.cut({})
        mesh.converge()
        mesh.edit(20)
        mesh.converge()
        mesh.check()
        mesh.quiet()
    finally:
        mesh.close()
