/* size: of an axis; by: how far its next code lies, 0 where one is repeated */
struct stride {
    int32_t size, by;
};

struct walk {
    int32_t rank;
    const struct stride *axes;
};
